"""Every number of the scenarios (S3), seen in the OPC UA tags of a server and nowhere else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from opcuaplanttime import StoppedClock, Tags, jars_of, stopped
from opcuaserver import OpcUaTestServer
from opcuasimulations import Engineer

from nodeset import status as st
from nodeset.tags import Health, Hvac, Mains, Mode

SITE, SYSTEM = "Bangrak", "Bangrak/UPS-1"
STRING, NEXT_STRING = "Bangrak/UPS-1/S02", "Bangrak/UPS-1/S01"
JAR = "Bangrak/UPS-1/S02/J03"
SIMULATED = st.UNCERTAIN_SIMULATED_VALUE
Running = tuple[OpcUaTestServer, StoppedClock]


@pytest.fixture(scope="module")
def running(postgres: str) -> Iterator[Running]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE scenarios")
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        with stopped(Path(name), psycopg.conninfo.make_conninfo(postgres, dbname="scenarios")) as found:
            yield found


@pytest.fixture
async def engineer(running: Running, client_home: Path) -> AsyncIterator[Engineer]:
    async with running[0].admin(client_home) as client:
        made = Engineer(client, running[0])
        yield made
        await made.stop_all()


@pytest.fixture
async def tags(engineer: Engineer, running: Running) -> Tags:
    found = Tags(engineer.client, *running)
    await found.later(10)
    return found


async def test_normal_operation_reads_as_before_and_is_marked(engineer: Engineer, tags: Tags) -> None:
    names = [*jars_of(STRING, "Voltage"), *jars_of(STRING, "Temperature"), f"{SITE}.AmbientTemperature"]
    before, _ = await tags.read(*names)
    await engineer.start("NormalOperation", SITE)
    await tags.later(60)
    after, status = await tags.read(*names)
    assert (status == SIMULATED).all()
    assert np.abs(after - before).max() < 0.4


async def test_hvac_failure_warms_the_room_by_2_degrees_an_hour_from_24_to_38(
    engineer: Engineer, tags: Tags
) -> None:
    await engineer.start("HvacFailure", SITE, StartTemperature=24.0)
    rooms = []
    for _ in range(16):
        await tags.later(1800, every=300)
        rooms.append(await tags.one(f"{SITE}.AmbientTemperature"))
        assert await tags.one(f"{SITE}.HvacState") == Hvac.FAULT
    slope, start = np.polyfit(0.5 * np.arange(1, 14), rooms[:13], 1)
    assert abs(slope - 2.0) < 0.05  # K/h
    assert abs(start - 24.0) < 0.6  # the sensor's bias
    assert np.abs(np.array(rooms[14:]) - 38.0).max() < 0.6  # after 7 h
    jars = await tags.jars(STRING, "Temperature")
    assert np.abs(jars - rooms[-1]).max() < 4.0
    assert await tags.one("Hat Yai.HvacState") == Hvac.ON


async def test_jars_follow_their_room_by_15_minutes(engineer: Engineer, tags: Tags) -> None:
    before = await tags.jars(STRING, "Temperature")
    room = await tags.one(f"{SITE}.AmbientTemperature")
    await engineer.start("HvacFailure", SITE, StartTemperature=38.0)
    seen = []
    for _ in range(8):
        await tags.later(300, every=60)
        seen.append(np.mean(await tags.jars(STRING, "Temperature") - before))
    share = np.array(seen) / (await tags.one(f"{SITE}.AmbientTemperature") - room)
    constant = -1.0 / np.polyfit(5.0 * np.arange(1, 9), np.log(1.0 - share), 1)[0]
    assert abs(constant - 15.0) < 2.0  # min
    assert share[2] == pytest.approx(1.0 - np.exp(-1.0), abs=0.06)


async def test_hvac_failure_of_a_string_warms_its_jars_alone(engineer: Engineer, tags: Tags) -> None:
    before = [await tags.jars(string, "Temperature") for string in (STRING, NEXT_STRING)]
    room = await tags.one(f"{SITE}.AmbientTemperature")
    await engineer.start("HvacFailure", STRING, Rate=10.0)
    await tags.later(5400, every=300)
    after = [await tags.jars(string, "Temperature") for string in (STRING, NEXT_STRING)]
    assert np.mean(after[0] - before[0]) == pytest.approx(10.0 * (1.5 - 0.25), abs=1.0)
    assert abs(np.mean(after[1] - before[1])) < 1.0
    assert abs(await tags.one(f"{SITE}.AmbientTemperature") - room) < 1.5
    assert await tags.one(f"{SITE}.HvacState") == Hvac.ON


@pytest.mark.parametrize("depth", [10.5, 12.0])
async def test_an_outage_discharges_to_its_depth_then_recharges_to_float(
    engineer: Engineer, tags: Tags, depth: float
) -> None:
    first = await tags.jars(STRING, "Voltage")
    await engineer.start("PowerOutage", SITE, DepthVoltage=depth)
    await tags.later(20)
    assert await tags.one(f"{SITE}.MainsState") == Mains.LOST
    modes, volts = [], []
    for _ in range(600):
        await tags.later(20, every=20)
        modes.append(await tags.one(f"{SYSTEM}.OperatingMode"))
        if modes[-1] != Mode.DISCHARGE:
            break
        volts.append(np.mean(await tags.jars(STRING, "Voltage")))
    assert modes[-1] == Mode.RECHARGE
    assert len(modes) > 15  # not before 5 min
    assert depth - 0.02 < min(volts) < depth + 0.12
    assert await tags.one(f"{SITE}.MainsState") == Mains.PRESENT
    charge = await tags.one(f"{STRING}.Current")
    assert charge < -2.0
    for _ in range(60):
        await tags.later(3600, every=900)
        if await tags.one(f"{SYSTEM}.OperatingMode") == Mode.FLOAT:
            break
    assert await tags.one(f"{SYSTEM}.OperatingMode") == Mode.FLOAT
    assert np.abs(await tags.jars(STRING, "Voltage") - first).max() < 0.15
    assert await engineer.status("RunningSimulations") == 1


async def test_an_outage_of_a_string_leaves_its_neighbour_on_float(engineer: Engineer, tags: Tags) -> None:
    await engineer.start("PowerOutage", STRING, DepthVoltage=11.5)
    await tags.later(600, every=15)
    assert await tags.one(f"{STRING}.Current") > 10.0
    assert (await tags.jars(STRING, "Voltage") < 12.9).all()
    assert (await tags.jars(NEXT_STRING, "Voltage") > 13.4).all()
    assert abs(await tags.one(f"{NEXT_STRING}.Current")) < 1.0
    found = [await tags.one(name) for name in (f"{SYSTEM}.OperatingMode", f"{SITE}.MainsState")]
    assert found == [Mode.FLOAT, Mains.PRESENT]


async def test_a_temperature_spike_is_10_degrees_at_the_next_scan(engineer: Engineer, tags: Tags) -> None:
    names = [*jars_of(STRING, "Temperature"), *jars_of(NEXT_STRING, "Temperature")]
    before, _ = await tags.read(*names)
    await engineer.start("TemperatureSpike", STRING)
    await tags.later(5)
    after, status = await tags.read(*names)
    assert np.abs(after[:6] - before[:6] - 10.0).max() < 0.5
    assert np.abs(after[6:] - before[6:]).max() < 0.5
    assert status.tolist() == [SIMULATED] * 6 + [st.GOOD] * 6


async def test_thermal_runaway_takes_one_jar_to_60_degrees_and_is_believed(
    engineer: Engineer, tags: Tags
) -> None:
    before = await tags.jars(STRING, "Voltage")
    await engineer.start("ThermalRunaway", JAR)
    highest, statuses = [], set()
    while len(highest) < 240:
        await tags.later(30, every=30)
        value, status = await tags.read(f"{JAR}.Temperature")
        highest.append(float(value[0]))
        statuses.add(int(status[0]))
        if highest[-5:-4] and highest[-5] > 59.2:
            break
    assert np.abs(np.array(highest[-5:]) - 60.0).max() < 0.8  # and no further
    assert np.diff(highest).max() < 2.5  # K in half a minute: a climb, no jump
    assert statuses == {SIMULATED}  # beyond 50 °C, and never taken for a broken sensor
    assert await tags.one(f"{JAR}.Voltage") < before[2] - 0.1
    others = np.delete(await tags.jars(STRING, "Temperature"), 2)
    assert (others < 32.0).all()


async def test_accelerated_ageing_raises_the_resistance_and_lowers_the_health(
    engineer: Engineer, tags: Tags
) -> None:
    resistance = await tags.jars(STRING, "InternalResistance")
    health = await tags.jars(STRING, "StateOfHealth")
    await engineer.start("AcceleratedAgeing", STRING)
    await tags.later(300, every=30)
    half = await tags.jars(STRING, "InternalResistance") / resistance
    assert np.abs(half - 1.3).max() < 0.04
    await tags.later(24 * 3600, every=720)  # the twin believes a resistance within 6 h
    full = await tags.jars(STRING, "InternalResistance") / resistance
    assert np.abs(full - 1.6).max() < 0.05
    worn = await tags.jars(STRING, "StateOfHealth")
    assert (health > 95.0).all()
    assert (worn < 80.0).all()
    assert (await tags.jars(NEXT_STRING, "StateOfHealth") > 95.0).all()
    assert (await tags.jars(STRING, "HealthStatus") == Health.CRITICAL).all()


@pytest.mark.parametrize(
    ("quantity", "name"), list(enumerate(["Voltage", "Temperature", "InternalResistance"]))
)
async def test_sensors_are_stuck_biased_and_dead(
    engineer: Engineer, tags: Tags, quantity: int, name: str
) -> None:
    tag = f"{JAR}.{name}"
    before = await tags.one(tag)
    stuck = await engineer.start("SensorFault", JAR, Fault=0, Quantity=quantity)
    seen = []
    for _ in range(12):
        await tags.later(5)
        seen.append(await tags.one(tag))
    assert set(seen) == {seen[0]}
    await engineer.stop(stuck)
    biased = await engineer.start("SensorFault", JAR, Fault=1, Quantity=quantity, Bias=1.0)
    await tags.later(5)
    assert await tags.one(tag) - before == pytest.approx(1.0, abs=0.3)
    await engineer.stop(biased)
    await engineer.start("SensorFault", JAR, Fault=2, Quantity=quantity)
    await tags.later(5)
    _, status = await tags.read(tag, *jars_of(STRING, name, [1, 2, 4, 5, 6]))
    assert status.tolist() == [st.BAD_SENSOR_FAILURE] + [st.GOOD] * 5


@pytest.mark.parametrize(("target", "share"), [(JAR, 11 / 12), (STRING, 1 / 2), (SITE, 0.0)])
async def test_lost_communication_is_not_fresh_after_3_scans_and_bad_after_5_minutes(
    engineer: Engineer, tags: Tags, target: str, share: float
) -> None:
    """Every value of a simulation that can be used at all is uncertain; the share of fresh ones tells."""
    tag, last = f"{JAR}.Voltage", await tags.one(f"{JAR}.Voltage")
    await engineer.start("CommunicationLoss", target)
    fresh, statuses = [], []
    for _ in range(60):
        await tags.later(5)
        fresh.append(await tags.one(f"{SITE}.FreshDataShare") / 100.0)
        (value,), (status,) = await tags.read(tag)
        statuses.append(int(status))
        assert status == st.BAD_NO_COMMUNICATION or value == last
    # Start shows the target at once: with that look it is the third without readings.
    assert fresh[0] == 1.0
    assert fresh[2:] == pytest.approx([share] * 58, abs=0.001)
    bad = statuses.index(st.BAD_NO_COMMUNICATION)
    assert set(statuses[:bad]) == {SIMULATED}
    assert bad + 1 in (59, 60)  # scans every 5 s
    (status,) = (await tags.read(f"{NEXT_STRING}/J01.Voltage"))[1]
    assert (status == st.GOOD) == (target != SITE)


async def test_a_composition_is_seen_step_by_step(engineer: Engineer, tags: Tags) -> None:
    await engineer.start("MonsoonStorm", SITE, 5400.0, **{"1.DepthVoltage": 10.5})
    names = [f"{SITE}.MainsState", f"{SITE}.HvacState"]
    await tags.later(300, every=30)
    assert (await tags.read(*names))[0].tolist() == [Mains.LOST, Hvac.OFF]
    await tags.later(600, every=30)
    assert (await tags.read(*names))[0].tolist() == [Mains.LOST, Hvac.FAULT]
    await tags.later(900, every=30)
    status = (await tags.read(*jars_of(NEXT_STRING, "Voltage"), *jars_of(STRING, "Voltage")))[1]
    assert status.tolist() == [st.BAD_NO_COMMUNICATION] * 6 + [SIMULATED] * 6
    await tags.later(3600, every=60)
    assert await engineer.status("RunningSimulations") == 0
    after, status = await tags.read(*names)
    assert after.tolist() == [Mains.PRESENT, Hvac.ON]
    assert status.tolist() == [st.GOOD, st.GOOD]


async def test_a_stop_shows_the_plant_again(engineer: Engineer, tags: Tags) -> None:
    names = [*jars_of(STRING, "Voltage"), f"{SYSTEM}.OperatingMode", f"{SITE}.MainsState"]
    before, _ = await tags.read(*names)
    outage = await engineer.start("PowerOutage", SITE)
    await tags.later(900, every=15)
    assert (await tags.read(*names))[0][0] < 12.8
    await engineer.stop(outage)
    after, status = await tags.read(*names)
    assert np.abs(after - before).max() < 0.05
    assert (status == st.GOOD).all()
