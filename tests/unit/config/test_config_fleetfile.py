"""Fleet files: what ships is what F1 and F2 ask for; each wrong file says key and line (golden folders)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from config.fleetfile import MAX_JARS, jar_name, json_schema, read_fleet_file, serial_at
from config.settings import HERE
from config.yamlfile import ConfigurationError

GOLDEN = sorted((Path(__file__).parent / "golden").iterdir())
SHIPPED = HERE / "fleet.yaml"
SCHEMA = HERE / "fleet.schema.json"


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_a_wrong_file_names_key_and_line(folder: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_fleet_file(folder / "fleet.yaml")
    assert str(caught.value).replace(f"{folder}/", "") == (folder / "expected.txt").read_text().rstrip("\n")


def test_the_shipped_fleet() -> None:
    fleet = read_fleet_file(SHIPPED)
    regions = {name: (site.region, site.temperature_offset) for name, site in fleet.sites.items()}
    assert regions == {
        "Chiangmai": ("Northern", -2.0),
        "Phitsanulok": ("Northern", -1.0),
        "Khon Kaen": ("North-Eastern", 0.0),
        "Bangrak": ("Bangkok", 1.5),
        "Nonthaburi": ("Bangkok", 1.5),
        "Sriracha": ("Eastern", 0.5),
        "Surat Thani": ("Southern", -0.5),
        "Phuket": ("Southern", -0.5),
        "Hat Yai": ("Southern", -0.5),
    }
    layouts = sorted(
        tuple((name, *system.strings) for name, system in site.systems.items())
        for site in fleet.sites.values()
    )
    three = (
        ("UPS-1", "S01", "S02", "S03"), ("UPS-2", "S04", "S05", "S06"), ("RECT-1", "S07", "S08", "S09"),
    )  # fmt: skip
    two = (("UPS-1", "S01", "S02", "S03", "S04", "S05"), ("UPS-2", "S06", "S07", "S08", "S09"))
    assert layouts == [three] * 3 + [two] * 6
    strings = [
        string
        for site in fleet.sites.values()
        for system in site.systems.values()
        for string in system.strings.values()
    ]
    assert sum(string.jars for string in strings) == 1_944
    assert {(string.jars, string.model) for string in strings} == {(24, "HX12-120")}


def test_more_jars_than_the_server_takes_are_refused(tmp_path: Path) -> None:
    data = yaml.safe_load(SHIPPED.read_text())
    template = data["sites"]["Bangrak"]["systems"]["UPS-1"]["strings"]["S01"]
    del template["baseline_resistance"]
    count = MAX_JARS // 400 + 1
    strings = {f"S{i}": template | {"jars": 400, "first_serial": f"A{i}-1"} for i in range(count)}
    data["sites"] = {"Bangrak": data["sites"]["Bangrak"]}
    data["sites"]["Bangrak"]["systems"] = {"UPS-1": {"kind": "UPS", "rated_power": 1, "strings": strings}}
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigurationError, match=f"{count * 400} jars; Voltkeep serves 1 to {MAX_JARS}"):
        read_fleet_file(file)


def test_a_fleet_of_one_jar_of_another_model(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(
        "name: One\n"
        "models: {M2: {manufacturer: X, nominal_voltage: 2, cells: 1, capacity: 500, cutoff_voltage: 1.75,\n"
        "              float_voltage: 2.27, baseline_resistance: 0.4}}\n"
        "sites: {A: {region: Eastern, latitude: 0, longitude: 0, systems: {R: {kind: Rectifier,\n"
        "  rated_power: 5, strings: {S: {model: M2, jars: 1, installed: 2024-02-29, first_serial: '0'}}}}}}\n"
    )
    assert read_fleet_file(file).models["M2"].cells == 1


def test_the_schema_file_is_up_to_date() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


def _as_json(file: Path) -> Any:
    return json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))


def test_the_schema_takes_the_shipped_fleet_and_refuses_a_wrong_one() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert list(validator.iter_errors(_as_json(SHIPPED))) == []
    wrong = next(folder for folder in GOLDEN if folder.name == "zero-jars")
    (error,) = validator.iter_errors(_as_json(wrong / "fleet.yaml"))
    assert list(error.absolute_path) == ["sites", "North", "systems", "UPS-1", "strings", "S01", "jars"]


def test_serial_numbers_count_on_and_keep_their_zeros() -> None:
    assert serial_at("HX22-00099", 1) == "HX22-00100"
    assert serial_at("9", 1) == "10"


def test_jars_are_named_by_position() -> None:
    assert [jar_name(1), jar_name(24), jar_name(100)] == ["J01", "J24", "J100"]
