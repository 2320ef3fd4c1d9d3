"""Every map that ships: valid against the schema, sparing with requests, and the same there and back."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some
from smallfleets import index_of

from config.settings import HERE
from drivers.mapfile import MAPS, json_schema, read_map, shipped_maps
from drivers.registermap import RegisterMap
from drivers.registers import Plan, plan_of
from drivers.spans import LONGEST_REQUEST
from nodeset.index import TagIndex
from nodeset.tags import Kind

SCHEMA = HERE / "map.schema.json"
WRONG = Path(__file__).parent / "maps"
FIXED = [name for name in shipped_maps() if isinstance(read_map(name), RegisterMap)]


@pytest.fixture(scope="module")
def strings_index() -> TagIndex:
    """A site with strings that fill no block, one and a bit, and more than two."""
    return index_of({"A": {"UPS-1": (10, {"S01": 24, "S02": 15}), "UPS-2": (10, {"S03": 1, "S04": 40})}})


def test_the_schema_file_is_up_to_date() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


@pytest.mark.parametrize("name", shipped_maps())
def test_shipped_maps_are_valid_and_name_their_schema(name: str) -> None:
    text = (MAPS / f"{name}.yaml").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(
        yaml.safe_load(text)
    )
    assert text.startswith("# yaml-language-server: $schema=../map.schema.json\n")


@pytest.mark.parametrize("name", ["unknown-key", "blocks", "wrong-type"])
def test_the_schema_refuses_wrong_maps(name: str) -> None:
    wrong = yaml.safe_load((WRONG / f"{name}.yaml").read_text(encoding="utf-8"))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


def plan_for(name: str, index: TagIndex) -> Plan:
    return plan_of(index, read_map(name), 0)


@pytest.mark.parametrize("name", FIXED)
def test_requests_read_each_value_once_and_no_more_than_a_device_takes(
    name: str, strings_index: TagIndex
) -> None:
    plan = plan_for(name, strings_index)
    seen = {(r.unit, r.address + k) for r in plan.requests for k in range(r.count)}
    assert len(seen) == sum(request.count for request in plan.requests)
    assert max(request.count for request in plan.requests) <= min(
        LONGEST_REQUEST, read_map(name).limits.longest
    )
    assert len(set(plan.rows.tolist())) == plan.rows.size
    places = np.concatenate([group.offset for group in plan.groups])
    assert len(set(places.tolist())) == plan.rows.size
    assert sorted([*plan.rows.tolist(), *plan.absent.tolist()]) == sorted(strings_index.measured().tolist())


@pytest.mark.parametrize("name", FIXED)
@given(data=some.data())
def test_what_is_encoded_is_decoded_to_within_half_a_step(
    name: str, strings_index: TagIndex, data: some.DataObject
) -> None:
    plan = plan_for(name, strings_index)
    tags = [strings_index.locate(int(row))[0] for row in plan.rows]
    share = np.array(data.draw(some.lists(some.floats(0, 1), min_size=len(tags), max_size=len(tags))))
    high = np.array([min(tag.high, 60.0) for tag in tags])
    low = np.array([max(tag.low, -40.0) for tag in tags])
    value = low + share * (high - low)
    value[[tag.kind is Kind.STATE for tag in tags]] = 0.0
    found = plan.decode(plan.encode(value, np.ones(value.size, bool)), np.ones(len(plan.requests), bool), 0)
    assert found.rows.tolist() == plan.rows.tolist()
    steps = {
        int(point): abs(step)
        for group in plan.groups
        for point, step in zip(group.points, group.steps, strict=True)
    }
    slack = np.array([0.5000001 / steps[point] for point in range(value.size)])
    assert (np.abs(found.value - value) <= slack).all()
    assert (found.status == 0).all()


def test_jars_go_on_in_the_next_unit_after_15(strings_index: TagIndex) -> None:
    plan = plan_for("modules-of-15", strings_index)
    unit = {strings_index.identifier(int(row)): int(u) for row, u in zip(plan.rows, plan.units, strict=True)}
    assert unit["A/UPS-1/S01/J15.Voltage"] == 1
    assert unit["A/UPS-1/S01/J16.Voltage"] == unit["A/UPS-1/S01/J24.Temperature"] == 2
    assert unit["A/UPS-1/S02/J01.Voltage"] == unit["A/UPS-1/S02/J15.Voltage"] == 3
    assert unit["A/UPS-2/S03/J01.Voltage"] == 4
    assert unit["A/UPS-2/S04/J31.InternalResistance"] == 7
    assert unit["A/UPS-1/S01.Current"] == 1
    assert unit["A/UPS-2/S04.Current"] == 5
    assert plan.clocks is not None
    assert plan.clocks.unit.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_jars_go_on_a_block_further_after_40_through_the_system(strings_index: TagIndex) -> None:
    plan = plan_for("blocks-of-40", strings_index)
    image = plan.encode(plan.rows.astype(float) * 0.001, np.ones(plan.rows.size, bool))

    def register(unit: int, address: int) -> int:
        region = next(
            r for r in plan.regions if r.unit == unit and 0 <= address - r.address < r.count
        )  # fails where there is none
        return int(image[region.offset + address - region.address])

    for path, unit, address in (
        ("A/UPS-1/S01/J01", 1, 100),
        ("A/UPS-1/S02/J15", 1, 138),
        ("A/UPS-2/S03/J01", 2, 100),
        ("A/UPS-2/S04/J39", 2, 139),
        ("A/UPS-2/S04/J40", 2, 780),
    ):
        assert register(unit, address) == strings_index.row(path, "Voltage"), path


def documented_maps() -> list[str]:
    """Whole maps among the examples of the documentation."""
    text = (HERE.parent / "docs" / "modbus-map.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    return [example for example in examples if "registers:\n  -" in example]


def test_examples_in_the_documentation_are_right(tmp_path: Path) -> None:
    found = documented_maps()
    assert len(found) == 2
    for example in found:
        file = tmp_path / "example.yaml"
        file.write_text(example, encoding="utf-8")
        read_map(str(file))


def test_every_key_of_a_map_is_documented() -> None:
    text = (HERE.parent / "docs" / "modbus-map.md").read_text(encoding="utf-8")
    schema = json_schema()
    keys = {key for part in schema["$defs"].values() for key in part.get("properties", {})}
    keys -= {"length", "group", "count", "signed", "constants", "order"}  # of the simulated SunSpec device
    assert not [key for key in sorted(keys) if f"{key}" not in text]
