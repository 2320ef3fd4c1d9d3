"""From registers to alarms (V4): what runs away is an alarm, what is broken is a faulty sensor; never both.

The tests have the gateway's registers in their hands; alarms are what a client's event subscription is told,
by the shipped config/alarms.yaml.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opcuasubscriber import Subscriber
from registerplant import JARS, STRING, Drive, RegisterPlant, Told, listen, start
from registerplant import told as all_told

from nodeset import status as st
from nodeset.tags import SensorState

ESTIMATES = ("StateOfCharge", "StateOfHealth", "RemainingUsefulLife")
SUSPECT, FAILED = 300, 500  # severities of SensorFault
# By jar: measurement, what its register holds from now on (None: no data; "last": what it held), severity.
FAULTS: dict[int, tuple[str, float | str | None, int]] = {
    1: ("Temperature", 85.0, FAILED),
    2: ("Temperature", None, FAILED),  # 0x8000
    3: ("Temperature", -327.67, FAILED),  # the least that the register holds
    4: ("Temperature", "last", SUSPECT),
    5: ("Temperature", 38.0, SUSPECT),
    6: ("Voltage", 20.0, FAILED),
    7: ("Voltage", 0.0, FAILED),
    8: ("Voltage", 11.6, SUSPECT),
    9: ("InternalResistance", None, FAILED),
}
JUDGED = {SUSPECT: st.UNCERTAIN_SENSOR_NOT_ACCURATE, FAILED: st.BAD_SENSOR_FAILURE}


@pytest.fixture
async def plant(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RegisterPlant]:
    plant, end = await start(tmp_path, database, Drive(monkeypatch))
    try:
        yield plant
    finally:
        end()
        await plant.gateways.close()


@pytest.fixture
async def events(plant: RegisterPlant) -> AsyncIterator[Subscriber]:
    async with plant.server.client() as client:
        yield await listen(client)


async def told(events: Subscriber) -> Told:
    """What is told of the plant; the historian may fall behind scans whose minutes take milliseconds."""
    return [each for each in await all_told(events) if not each[1].startswith("History")]


def active(found: Told) -> dict[tuple[int, str], int]:
    """The last severity of the conditions that became active, by jar and name."""
    jars = {f"{STRING}/J{jar + 1:02d}": jar for jar in range(JARS)}
    return {(jars[source], name): severity for source, name, is_active, severity in found if is_active}


def closed(found: Told) -> set[tuple[str, str]]:
    """Source and name of the conditions that became inactive."""
    return {(source, name) for source, name, is_active, _ in found if not is_active}


def fail(plant: RegisterPlant) -> None:
    """Break the sensors."""
    for jar, (name, held, _) in FAULTS.items():
        row = plant.row(jar, name)
        if held is None:
            plant.dead[row] = True
        else:
            plant.held[row] = plant.value(jar, name) if isinstance(held, str) else held


def estimates(plant: RegisterPlant, jar: int) -> dict[str, float]:
    return {name: plant.value(jar, name) for name in ESTIMATES}


@pytest.mark.parametrize("period", [1.0, 60.0])
async def test_a_jar_that_climbs_through_its_limit_is_believed_and_alarmed(
    plant: RegisterPlant, events: Subscriber, period: float
) -> None:
    jar, temperature = 3, plant.of("Temperature")
    await plant.scan(period, 3)
    while temperature[jar] < 62.0:
        temperature[jar] += min(5 / 60 * period, 3.0)
        plant.of("Voltage")[jar] = 13.65 - 0.02 * (temperature[jar] - 25.0)
        await plant.scan(period)
        assert plant.status(jar, "Temperature") == st.GOOD
    assert plant.value(jar, "Temperature") == pytest.approx(62.0, abs=3.2)
    assert plant.value(jar, "SensorState") == SensorState.NORMAL
    hot = {(jar, "TemperatureHigh"): 800, (jar, "ThermalRunawaySuspected"): 950}
    assert active(await told(events)) == hot
    plant.dead[plant.row(jar, "Temperature")] = True  # the jar has melted its sensor
    await plant.scan(period, round(66 / period) + 4)
    found = await told(events)
    assert active(found)[jar, "SensorFault"] == FAILED
    assert not closed(found), "what was hot when it was last seen is hot"


@pytest.mark.parametrize("period", [1.0, 60.0])
async def test_a_sensor_that_breaks_is_a_faulty_sensor_and_nothing_else(
    plant: RegisterPlant, events: Subscriber, period: float
) -> None:
    await plant.scan(period, 60)
    before = {jar: estimates(plant, jar) for jar in FAULTS}
    fail(plant)
    await plant.scan(period)
    for jar, (name, held, severity) in FAULTS.items():
        assert plant.status(jar, name) == (st.GOOD if held == "last" else JUDGED[severity]), jar
    found: Told = []
    for count in (13, 22) if period > 1 else (50, 50):
        await plant.scan(period, count)
        found += await told(events)
        plant.held.pop(plant.row(5, "Temperature"), None)  # a jump is a new level some day
    assert active(found) == {(jar, "SensorFault"): severity for jar, (_, _, severity) in FAULTS.items()}
    for jar in FAULTS:
        assert estimates(plant, jar) == pytest.approx(before[jar], rel=2e-3, abs=0.1), "the twin goes on"
    plant.held.clear()
    plant.dead[:] = False
    await plant.scan(period, 70 if period == 1 else 8)
    assert {name for _, name in closed(await told(events))} == {"SensorFault"}
    assert [plant.value(jar, "SensorState") for jar in range(JARS)] == [SensorState.NORMAL] * JARS


async def test_a_sensor_that_drifts_is_a_hot_jar_or_one_colder_than_can_be(
    plant: RegisterPlant, events: Subscriber
) -> None:
    """Upwards it cannot be told from heat by temperature alone: docs/quality.md says so."""
    hot, cold, temperature = 1, 2, plant.of("Temperature")
    await plant.scan(60, 3)
    for _ in range(65):
        temperature[hot] += 0.2  # 12 K/h
        temperature[cold] -= 0.12
        await plant.scan(60)
    assert active(await told(events)) == {
        (hot, "ThermalRunawaySuspected"): 800,
        (hot, "TemperatureHigh"): 500,
    }
    assert plant.value(hot, "SensorState") == SensorState.NORMAL
    await plant.scan(120, 125)
    # The voltage of a jar that is truly hot would be lower: on float that is told half an hour later.
    assert active(await told(events)) == {(cold, "SensorFault"): SUSPECT, (hot, "FloatVoltage"): 350}
    assert plant.status(cold, "Temperature") == st.UNCERTAIN_SENSOR_NOT_ACCURATE
