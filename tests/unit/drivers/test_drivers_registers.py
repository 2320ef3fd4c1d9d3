"""Registers to tags and back: golden folders of literal registers, requests, and round trips."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from drivers.codec import RegisterType
from drivers.mapfile import read_map
from drivers.registermap import RegisterMap
from drivers.registers import plan_of
from drivers.spans import LONGEST_REQUEST, coalesced, spans_of
from nodeset import status as st
from nodeset.index import TagIndex

GOLDEN = Path(__file__).parent / "registers"
CASES = sorted(path.stem for path in GOLDEN.glob("*.yaml") if not path.stem.endswith(".map"))
STEP = {
    "u16": 0.001,
    "s16": 0.01,
    "u32": 0.01,
    "s32": 0.001,
    "f32": 1.0,
    "u64": 0.01,
    "s64": -0.01,
    "f64": 1.0,
}


def one_type(kind: str, order: str = "big", swapped: str = "big") -> RegisterMap:
    """A map with all jar voltages in one register type."""
    register = {
        "asset": "Jar",
        "tag": "Voltage",
        "address": 7,
        "stride": 5,
        "type": kind,
        "scale": STEP[kind],
        "unit": "V",
    }
    return RegisterMap.model_validate(
        {
            "name": kind,
            "device": "site",
            "word_order": order,
            "byte_order": swapped,
            "registers": [register],
        }
    )


@pytest.mark.parametrize("case", CASES)
def test_literal_registers_are_these_tags(site_index: TagIndex, case: str) -> None:
    golden = yaml.safe_load((GOLDEN / f"{case}.yaml").read_text())
    shipped = not golden["map"].endswith(".yaml")
    plan = plan_of(site_index, read_map(golden["map"] if shipped else str(GOLDEN / golden["map"])), 0)
    image = np.zeros(plan.size, np.uint16)
    for region in plan.regions:
        registers = golden["registers"][region.unit][region.address]
        assert len(registers) == region.count
        image[region.offset : region.offset + region.count] = registers
    readings = plan.decode(image, np.ones(len(plan.requests), bool), 99)
    found = {
        site_index.identifier(int(row)): value if status == st.GOOD else "bad"
        for row, value, status in zip(readings.rows, readings.value, readings.status, strict=True)
    }
    assert found == golden["tags"]
    assert (readings.time == 99).all()
    assert set(readings.status.tolist()) <= {st.GOOD, st.BAD_SENSOR_FAILURE}


@pytest.mark.parametrize("case", CASES)
def test_tags_are_these_literal_registers(site_index: TagIndex, case: str) -> None:
    """Encoding what was decoded gives the same image, but for states that do not exist."""
    golden = yaml.safe_load((GOLDEN / f"{case}.yaml").read_text())
    shipped = not golden["map"].endswith(".yaml")
    plan = plan_of(site_index, read_map(golden["map"] if shipped else str(GOLDEN / golden["map"])), 0)
    tags = [golden["tags"].get(site_index.identifier(int(row)), 7) for row in plan.rows]
    valid = np.array([tag != "bad" for tag in tags])
    value = np.array([0.0 if tag == "bad" else float(tag) for tag in tags])
    image = plan.encode(value, valid, golden.get("time", 0) * 1_000_000)
    for region in plan.regions:
        expected = golden["registers"][region.unit][region.address]
        found = image[region.offset : region.offset + region.count].tolist()
        assert found == expected, region


def test_unanswered_requests_leave_their_rows_out(site_index: TagIndex) -> None:
    plan = plan_of(site_index, read_map("reference"), 0)
    image = plan.encode(np.ones(plan.rows.size), np.ones(plan.rows.size, bool))
    answered = np.array([request.unit == 2 for request in plan.requests])
    rows = plan.decode(image, answered, 0).rows
    assert {site_index.path(int(row)).split("/")[1] for row in rows} == {"UPS-2"}
    assert plan.decode(image, ~answered & answered, 0).rows.size == 0


def test_infinity_is_no_number_either(site_index: TagIndex) -> None:
    plan = plan_of(site_index, one_type("f32"), 0)
    image = np.tile(np.array([0x7F80, 0x0000], np.uint16), 5)
    readings = plan.decode(image, np.ones(len(plan.requests), bool), 0)
    assert (readings.status == st.BAD_SENSOR_FAILURE).all()
    assert np.isfinite(readings.value).all()


@given(some.lists(some.tuples(some.integers(1, 4), some.integers(1, 2)), min_size=1, max_size=200))
def test_requests_cover_every_value_once_and_cut_none(steps: list[tuple[int, int]]) -> None:
    """`steps` are pairs of gap to the value before (1: none) and width of the value."""
    address, width, at = [], [], 0
    for gap, wide in steps:
        at += gap - 1
        address.append(at)
        width.append(wide)
        at += wide
    regions = coalesced(spans_of(np.ones(len(steps), int), np.array(address), np.array(width)))
    inside = [
        [a for a, w in zip(address, width, strict=True) if r.address <= a and a + w <= r.address + r.count]
        for r in regions
    ]
    assert sorted(a for part in inside for a in part) == address
    assert sum(r.count for r in regions) == sum(width)
    assert [r.offset for r in regions] == [0, *np.cumsum([r.count for r in regions])[:-1]]


def test_long_blocks_are_read_125_registers_at_a_time_and_32_bit_values_stay_whole(
    default_index: TagIndex,
) -> None:
    plan = plan_of(default_index, read_map("reference"), 0)
    assert max(request.count for request in plan.requests) == LONGEST_REQUEST
    assert sum(request.count for request in plan.requests) == plan.size
    assert len(plan.requests) < 14
    wide = plan_of(default_index, one_type("f32"), 0)
    assert all(request.count <= LONGEST_REQUEST for request in wide.requests)
    assert sum(request.count for request in wide.requests) == 2 * 216


@pytest.mark.parametrize("swapped", ["big", "little"])
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("kind", [kind.value for kind in RegisterType])
@given(values=some.lists(some.floats(-1e9, 1e9, width=32), min_size=5, max_size=5))
def test_round_trip_is_exact_to_a_step_within_the_range(
    site_index: TagIndex, kind: str, order: str, swapped: str, values: list[float]
) -> None:
    plan = plan_of(site_index, one_type(kind, order, swapped), 0)
    image = plan.encode(np.array(values), np.ones(5, bool))
    back = plan.decode(image, np.ones(len(plan.requests), bool), 0)
    assert (back.status == st.GOOD).all()
    low, high = {
        "u16": (0, 0xFFFE),
        "s16": (-0x7FFF, 0x7FFF),
        "u32": (0, 0xFFFF_FFFE),
        "s32": (-0x7FFF_FFFF, 0x7FFF_FFFF),
        "u64": (0, 2.0**64),
    }.get(kind, (-math.inf, math.inf))
    held = np.clip(values, *sorted((low * STEP[kind], high * STEP[kind])))
    slack = 0.0 if kind.startswith("f") else 0.51 * abs(STEP[kind])
    assert np.abs(back.value - held).max() <= slack


@pytest.mark.parametrize("kind", [kind.value for kind in RegisterType])
def test_no_data_and_numbers_that_are_none_come_back_as_bad(site_index: TagIndex, kind: str) -> None:
    plan = plan_of(site_index, one_type(kind), 0)
    value = np.array([1.0, 2.0, math.nan, math.inf, 5.0])
    valid = np.array([True, False, True, True, True])
    back = plan.decode(plan.encode(value, valid), np.ones(len(plan.requests), bool), 0)
    assert st.is_bad(back.status).tolist() == [False, True, True, True, False]
    assert back.value[[0, 4]].tolist() == [1.0, 5.0]
    assert np.isfinite(back.value).all()
