"""Custom scenarios: wrong files say key and line; steps happen when and where they are due."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from plantreadings import Stage, column, later

from config.settings import HERE
from config.yamlfile import ConfigurationError
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from nodeset.tags import Hvac, Mains, Mode
from simulator.compositions import MOST_CUSTOM, BadDefinition, Catalogue, json_schema, read_scenario_file
from simulator.plant import Plant
from simulator.scenariokinds import KINDS
from simulator.scenarios import BadParameter, UnknownTarget
from simulator.shadow import Shadow

GOLDEN = sorted((Path(__file__).parent / "golden").iterdir())
SHIPPED = HERE / "scenarios.yaml"
SCHEMA = HERE / "scenarios.schema.json"
STRING = "Bangrak/UPS-1/S02"


def storm(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"description": "A storm", "steps": list(steps)}


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(read_scenario_file(SHIPPED))


@pytest.fixture
def composed(plant: Plant, catalogue: Catalogue) -> Stage:
    """A plant on whose copies custom scenarios run, too."""
    stage = Stage(plant)
    stage.shadow = Shadow(plant.index, plant, plant.seed, catalogue)
    return stage


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_a_wrong_file_names_key_and_line(folder: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_scenario_file(folder / "scenarios.yaml")
    assert str(caught.value).replace(f"{folder}/", "") == (folder / "expected.txt").read_text().rstrip("\n")


def test_the_shipped_schema_is_the_generated_one_and_the_shipped_file_fits_it() -> None:
    schema = json.loads(SCHEMA.read_text())
    assert schema == json_schema()
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(SHIPPED.read_text()))
    for parameters in ({"Rate": 99.0}, {"Rise": 5.0}):
        wrong = {"scenarios": {"Storm": storm({"scenario": "HvacFailure", "parameters": parameters})}}
        assert not validator.is_valid(wrong)


def test_an_empty_file_has_no_scenarios(tmp_path: Path) -> None:
    file = tmp_path / "scenarios.yaml"
    file.write_text("")
    assert Catalogue(read_scenario_file(file)).keys() == KINDS.keys()


def test_a_composition_is_a_kind_with_the_parameters_of_its_steps(catalogue: Catalogue) -> None:
    kind = catalogue["MonsoonStorm"]
    assert AssetType.SITE in kind.targets
    assert AssetType.STRING not in kind.targets
    found = {parameter.name: parameter for parameter in kind.parameters}
    depth, rate = found["1.DepthVoltage"], found["2.Rate"]
    assert (depth.default, depth.low, depth.high, depth.unit) == (11.5, 10.5, 12.0, "V")
    assert (rate.default, rate.unit) == (4.0, "K/h")


def test_the_steps_of_a_storm_happen_when_and_where_they_are_due(
    two_sites: TagIndex, composed: Stage
) -> None:
    def seen(seconds: float) -> tuple[float, float, int]:
        readings = later(composed, seconds)
        silent = np.isnan(column(two_sites, readings, "Jar", "Voltage"))
        assert not silent[12:].any()
        mains = column(two_sites, readings, "Site", "MainsState")[0]
        return mains, column(two_sites, readings, "Site", "HvacState")[0], int(silent.sum())

    composed.start("MonsoonStorm", "Bangrak", 5400, {"1.DepthVoltage": 10.5})
    assert seen(300) == (Mains.LOST, Hvac.OFF, 0)
    assert seen(600) == (Mains.LOST, Hvac.FAULT, 0)
    assert seen(600)[1:] == (Hvac.FAULT, 12)
    assert seen(1800)[1:] == (Hvac.FAULT, 0)
    assert seen(2200) == (Mains.PRESENT, Hvac.ON, 0)
    assert composed.running() == ()


def test_a_parameter_of_a_step_is_adjusted_by_its_number(two_sites: TagIndex, composed: Stage) -> None:
    number = composed.start("MonsoonStorm", "Bangrak", 0, {"2.Rate": 2.0})
    later(composed, 600)
    with pytest.raises(BadParameter, match=r"'Rate' \(known: 1.DepthVoltage"):
        composed.adjust(number, {"Rate": 6.0})
    composed.adjust(number, {"2.Rate": 30.0})
    before = column(two_sites, later(composed, 60), "Site", "AmbientTemperature")[0]
    after = column(two_sites, later(composed, 360), "Site", "AmbientTemperature")[0]
    assert abs(after - before - 3.0) < 0.4


@pytest.mark.parametrize(
    ("target", "root", "jars"),
    [("*/J02", "Bangrak/UPS-1", [1, 13]), ("J12", STRING, [23]), ("*", STRING, list(range(12, 24)))],
)
def test_a_step_reaches_the_parts_that_it_names(
    two_sites: TagIndex, composed: Stage, catalogue: Catalogue, target: str, root: str, jars: list[int]
) -> None:
    catalogue.define("Spots", storm({"scenario": "TemperatureSpike", "target": target}))
    before = column(two_sites, later(composed, 5), "Jar", "Temperature")
    composed.start("Spots", root)
    rise = column(two_sites, later(composed, 5), "Jar", "Temperature") - before
    assert np.flatnonzero(rise > 5.0).tolist() == jars


def test_a_part_that_the_target_has_not_is_refused(composed: Stage, catalogue: Catalogue) -> None:
    steps = [
        {"scenario": "PowerOutage"},
        {"scenario": "TemperatureSpike", "target": "S07", "parameters": {"Rise": 3}},
    ]
    catalogue.define("Spots", storm(*steps))
    with pytest.raises(
        UnknownTarget, match=r"step 2 \(TemperatureSpike\): there is no 'S07' in Bangrak/UPS-1"
    ):
        composed.start("Spots", "Bangrak/UPS-1")
    assert composed.running() == ()


def test_a_composition_is_one_of_the_simulations(composed: Stage) -> None:
    number = composed.start("NeglectedString", STRING)
    (running,) = composed.running()
    assert (running.id, running.scenario, running.target) == (number, "NeglectedString", STRING)
    composed.stop(number)
    assert not composed.shadow.active


def test_an_outage_in_a_composition_recharges_and_floats_again(two_sites: TagIndex, composed: Stage) -> None:
    composed.start("MonsoonStorm", "Bangrak", 0, {"1.DepthVoltage": 12.0})
    modes = [column(two_sites, later(composed, 600), "System", "OperatingMode")[0] for _ in range(12)]
    changes = [mode for i, mode in enumerate(modes) if i == 0 or mode != modes[i - 1]]
    assert changes[:2] == [Mode.DISCHARGE, Mode.RECHARGE]


def test_what_was_defined_is_there_after_a_restart(catalogue: Catalogue) -> None:
    kind = catalogue.define(
        "Spots", storm({"scenario": "TemperatureSpike", "target": "*", "begin": 5, "parameters": {"Rise": 3}})
    )
    catalogue.define("Gone", storm({"scenario": "PowerOutage"}))
    catalogue.remove("Gone")
    again = Catalogue(read_scenario_file(SHIPPED))
    again.take_up(catalogue.dump())
    assert again["Spots"] == kind
    assert list(again) == list(catalogue)
    assert [name for name in again if again.removable(name)] == ["Spots"]


@pytest.mark.parametrize(
    ("name", "scenario", "text"),
    [
        ("PowerOutage", storm({"scenario": "PowerOutage"}), "is there already"),
        ("MonsoonStorm", storm({"scenario": "PowerOutage"}), "is there already"),
        ("storm", storm({"scenario": "PowerOutage"}), "storm: String should match"),
        ("Storm", storm(), "Storm.steps: List should have at least 1 item"),
        ("Storm", storm({"scenario": "Rain"}), "Storm.steps.1.scenario: unknown scenario 'Rain'"),
        ("Storm", storm({"scenario": "PowerOutage", "begin": float("nan")}), "Storm.steps.1.begin"),
    ],
)
def test_a_wrong_definition_is_refused_and_says_why(
    catalogue: Catalogue, name: str, scenario: dict[str, Any], text: str
) -> None:
    known = list(catalogue)
    with pytest.raises(BadDefinition, match=text):
        catalogue.define(name, scenario)
    assert list(catalogue) == known


def test_there_is_an_end_to_definitions(catalogue: Catalogue) -> None:
    for i in range(MOST_CUSTOM):
        catalogue.define(f"S{i}", storm({"scenario": "PowerOutage"}))
    catalogue.define("S0", storm({"scenario": "NormalOperation"}))
    with pytest.raises(BadDefinition, match="100 scenarios are defined already"):
        catalogue.define("S100", storm({"scenario": "PowerOutage"}))


@pytest.mark.parametrize("name", ["PowerOutage", "MonsoonStorm", "Nothing"])
def test_only_what_was_defined_here_is_removed(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(BadDefinition, match=f"{name} is not"):
        catalogue.remove(name)
