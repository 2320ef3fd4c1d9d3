"""SunSpec devices: from the marker to tags, and what is said of devices that are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from config.yamlfile import ConfigurationError
from drivers.line import NoAnswer, Unreachable
from drivers.mapfile import read_map
from drivers.registers import Plan
from drivers.spans import Region
from drivers.sunspec import DiscoveryError, discover
from drivers.sunspecmap import SunSpecMap
from drivers.sunspecsite import SunSpecSite
from nodeset import status as st
from nodeset.index import TagIndex

MARKER = [0x5375, 0x6E53]
END = [0xFFFF, 0]


def shipped() -> SunSpecMap:
    found = read_map("sunspec")
    assert isinstance(found, SunSpecMap)
    return found


def text(words: str, registers: int) -> list[int]:
    raw = words.encode().ljust(2 * registers, b"\0")
    return [raw[i] << 8 | raw[i + 1] for i in range(0, len(raw), 2)]


def model(model_id: int, length: int, points: Mapping[int, int]) -> list[int]:
    """A model whose points, by offset, are these; all others have no value."""
    registers = [model_id, length] + [0xFFFF] * length
    for at, value in points.items():
        registers[at] = value
    return registers


COMMON = [
    1,
    66,
    *text("Acme Power", 16),
    *text("BMS-48", 16),
    *text("", 8),
    *text("2.1", 8),
    *text("SN 0042", 16),
    1,
    0x8000,
]
BATTERY = model(802, 62, {16: 6, 34: 1638, 59: 0xFFFF})  # holding, 163.8 V
BANK = model(803, 26 + 2 * 32, {2: 2, 24: 0xFFFE, 34: 0xFFF8, 34 + 32: 5123})  # -0.08 A, 51.23 A
AIR = model(307, 11, {2: 243, 3: 52})


def string(number: int, current: int, exponent: int = 0xFFFF) -> list[int]:
    return model(804, 46, {2: number, 13: current, 41: exponent})


def jar(string_number: int, number: int, volts: int, celsius: int, exponent: int = 0xFFFD) -> list[int]:
    return model(805, 42, {2: string_number, 3: number, 10: volts, 20: celsius, 41: exponent, 43: 0xFFFF})


@dataclass
class Device:
    """The registers of units, and what was asked of them."""

    blocks: dict[int, tuple[int, list[int]]]
    asked: list[Region] = field(default_factory=list)
    silent: frozenset[int] = frozenset()
    cut: bool = False

    async def ask(self, region: Region) -> list[int] | None:
        self.asked.append(region)
        if self.cut:
            raise Unreachable("no connection")
        if region.unit in self.silent:
            raise NoAnswer("no answer in 2 s")
        base, registers = self.blocks.get(region.unit, (0, []))
        start = region.address - base
        inside = start >= 0 and start + region.count <= len(registers)
        return registers[start : start + region.count] if inside else None

    async def read(self, plan: Plan) -> np.ndarray:
        image = np.zeros(plan.size, np.uint16)
        for region in plan.requests:
            registers = await self.ask(region)
            assert registers is not None
            image[region.offset : region.offset + region.count] = registers
        return image


def block(*models: list[int]) -> list[int]:
    return [*MARKER, *(register for each in models for register in each), *END]


UPS_1 = block(
    COMMON, AIR, BATTERY, BANK, jar(2, 1, 13700, 380), jar(1, 2, 13649, 0x8000), jar(1, 1, 13652, 251)
)
UPS_2 = block(
    COMMON, BATTERY, string(1, 0xFE0C), jar(1, 1, 0xFFFF, 600), jar(1, 2, 1366, 260, exponent=0xFFFE)
)


async def tags(index: TagIndex, device: Device) -> dict[str, float | str]:
    site = SunSpecSite(index, shipped(), 0)
    plan = await site.discover(device.ask)
    found = plan.decode(await device.read(plan), np.ones(len(plan.requests), bool), 99)
    return {
        index.identifier(int(row)): value if status == st.GOOD else "bad"
        for row, value, status in zip(found.rows, found.value, found.status, strict=True)
    }


async def test_models_are_found_and_their_points_are_tags(site_index: TagIndex) -> None:
    device = Device({1: (40_000, UPS_1), 2: (50_000, UPS_2)})
    assert await tags(site_index, device) == {
        "A.AmbientTemperature": 24.3,
        "A.Humidity": 52.0,
        "A/UPS-1.BusVoltage": 163.8,
        "A/UPS-1.OperatingMode": 0.0,
        "A/UPS-1/S01.Current": -0.08,
        "A/UPS-1/S02.Current": 51.23,
        "A/UPS-1/S01/J01.Voltage": 13.652,
        "A/UPS-1/S01/J02.Voltage": 13.649,
        "A/UPS-1/S02/J01.Voltage": 13.7,
        "A/UPS-1/S01/J01.Temperature": 25.1,
        "A/UPS-1/S01/J02.Temperature": "bad",
        "A/UPS-1/S02/J01.Temperature": 38.0,
        "A/UPS-2.BusVoltage": 163.8,
        "A/UPS-2.OperatingMode": 0.0,
        "A/UPS-2/S03.Current": -50.0,
        "A/UPS-2/S03/J01.Voltage": "bad",
        "A/UPS-2/S03/J02.Voltage": 13.66,
        "A/UPS-2/S03/J01.Temperature": 60.0,
        "A/UPS-2/S03/J02.Temperature": 26.0,
    }


async def test_the_marker_is_looked_for_in_the_usual_order(site_index: TagIndex) -> None:
    device = Device({1: (50_000, UPS_1), 2: (0, UPS_2)})
    await tags(site_index, device)
    looked = [(r.unit, r.address) for r in device.asked if r.address in (0, 40_000, 50_000) and r.count == 2]
    assert looked == [(1, 40_000), (1, 0), (1, 50_000), (2, 40_000), (2, 0)]


async def test_a_device_tells_who_it_is_and_what_it_has(site_index: TagIndex) -> None:
    site = SunSpecSite(site_index, shipped(), 0)
    await site.discover(Device({1: (0, UPS_1), 2: (0, UPS_2)}).ask)
    assert str(site.devices[1]) == (
        "unit 1: Acme Power BMS-48, serial SN 0042, version 2.1, models 1, 307, 802, 803, 805 x 3"
    )
    assert site.lacking() == ["System Load of 2"]


async def test_what_a_device_lacks_and_what_the_map_lacks_are_told_apart(site_index: TagIndex) -> None:
    site = SunSpecSite(site_index, shipped(), 0)
    before = dict(zip(site.plan.absent.tolist(), site.plan.absent_status.tolist(), strict=True))
    plan = await site.discover(Device({1: (0, UPS_1)}).ask)
    after = dict(zip(plan.absent.tolist(), plan.absent_status.tolist(), strict=True))
    resistance = site_index.row("A/UPS-1/S01/J01", "InternalResistance")
    assert before[resistance] == after[resistance] == st.BAD_NOT_CONNECTED
    load = site_index.row("A/UPS-1", "Load")
    assert load not in before
    assert after[load] == st.BAD_CONFIGURATION_ERROR
    assert site_index.row("A/UPS-2", "Load") not in after  # its device has not been heard


async def test_scale_factors_count_as_they_are_read(site_index: TagIndex) -> None:
    plan = await SunSpecSite(site_index, shipped(), 0).discover(Device({1: (0, UPS_1)}).ask)
    row = site_index.row("A/UPS-1", "BusVoltage")
    found = {}
    for factor in (0xFFFF, 0xFFFE, 0, 1, 0x8000, 11, 0xFFF5):
        changed = block(COMMON, model(802, 62, {16: 6, 34: 1638, 59: factor}), UPS_1[2 + 68 + 13 + 64 : -2])
        other = Device({1: (0, [*UPS_1[: 2 + 68 + 13], *changed[2 + 68 :]])})
        readings = plan.decode(await other.read(plan), np.ones(len(plan.requests), bool), 0)
        at = readings.rows.tolist().index(row)
        found[factor] = readings.value[at] if readings.status[at] == st.GOOD else None
    assert found == {0xFFFF: 163.8, 0xFFFE: 16.38, 0: 1638, 1: 16380, 0x8000: None, 11: None, 0xFFF5: None}


async def test_values_whose_factor_was_not_read_are_left_out(site_index: TagIndex) -> None:
    found = shipped().model_copy(update={"max_registers": 16, "gap": 0})
    device = Device({1: (0, UPS_1)})
    plan = await SunSpecSite(site_index, found, 0).discover(device.ask)
    image = await device.read(plan)
    for i, request in enumerate(plan.requests):
        answered = np.arange(len(plan.requests)) != i
        missing = {site_index.locate(int(r))[0].name for r in plan.rows} - {
            site_index.locate(int(r))[0].name for r in plan.decode(image, answered, 0).rows
        }
        if request.address == 2 + 68 + 13 + 59:  # V_SF of model 802
            assert missing == {"BusVoltage"}
            break
    else:
        pytest.fail("the factor is not read")


NO_MODEL = block(COMMON, AIR[:0], model(120, 26, {}))
ENDLESS = [*MARKER, *COMMON, *BATTERY]


@pytest.mark.parametrize(
    ("registers", "reason"),
    [
        ([], "unit 1 has no SunSpec marker 'SunS' at 40000 or 0 or 50000"),
        (NO_MODEL, r"unit 1 has no model of the map 'SunSpec' \(it has 1, 120\)"),
        ([*MARKER, *END], r"unit 1 has no model of the map 'SunSpec' \(it has none\)"),
        (ENDLESS, "unit 1 has no model at 134, and no end of its models before"),
        ([*MARKER, *[7, 0] * 3000], "unit 1 has over 2000 models"),
    ],
)
async def test_what_is_no_such_device_is_told_in_a_line(registers: list[int], reason: str) -> None:
    with pytest.raises(DiscoveryError, match=f"^{reason}$"):
        await discover(Device({1: (0, registers)}).ask, shipped(), 1)


async def test_a_walk_past_the_last_address_ends() -> None:
    device = Device({1: (65_530, [0] * 6), 2: (50_000, [*MARKER, 9, 15_531])})
    with pytest.raises(DiscoveryError, match="unit 2 has no model at 65535"):
        await discover(device.ask, shipped(), 2)


async def test_a_place_in_the_map_is_the_only_one_that_is_asked() -> None:
    device = Device({1: (0, UPS_1)})
    with pytest.raises(DiscoveryError, match=r"at 50000$"):
        await discover(device.ask, shipped().model_copy(update={"base": 50_000}), 1)
    assert [region.address for region in device.asked] == [50_000]


async def test_a_unit_that_is_missing_costs_itself_and_is_found_later(site_index: TagIndex) -> None:
    site = SunSpecSite(site_index, shipped(), 0)
    device = Device({1: (0, UPS_1)}, silent=frozenset({2}))
    plan = await site.discover(device.ask)
    assert set(plan.units.tolist()) == {1}
    assert site.reasons == {2: "unit 2: no answer in 2 s"}
    assert await site.again(device.ask) is None
    device.silent = frozenset()
    assert await site.again(device.ask) is None
    assert site.reasons == {2: "unit 2 has no SunSpec marker 'SunS' at 40000 or 0 or 50000"}
    device.blocks[2] = (0, UPS_2)
    whole = await site.again(device.ask)
    assert whole is not None
    assert set(whole.units.tolist()) == {1, 2}
    assert await site.again(device.ask) is None
    assert site.reasons == {}


async def test_a_site_without_a_device_says_why(site_index: TagIndex) -> None:
    site = SunSpecSite(site_index, shipped(), 0)
    with pytest.raises(DiscoveryError, match=r"unit 1 has no .*; unit 2 has no "):
        await site.discover(Device({}).ask)
    with pytest.raises(NoAnswer):
        await site.discover(Device({}, silent=frozenset({1, 2})).ask)
    with pytest.raises(Unreachable):
        await site.discover(Device({}, cut=True).ask)


def test_more_devices_than_unit_ids_stop_the_start(site_index: TagIndex) -> None:
    far = shipped().model_copy(update={"first_unit": 247})
    with pytest.raises(ConfigurationError, match="map 'SunSpec': A has more devices than there are unit ids"):
        SunSpecSite(site_index, far, 0)
