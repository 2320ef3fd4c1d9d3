"""A copy of a real plant reads what the real one reads, and goes on from there (S6)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from plantreadings import SECOND, column, later

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, Readings, first_frame
from nodeset.index import TagIndex
from nodeset.tags import Hvac, Mains, Mode
from simulator.chance import Floats
from simulator.effects import no_effects
from simulator.plant import Plant
from simulator.shadow import Shadow

JAR = AssetType.JAR


@pytest.fixture
def real(two_sites: TagIndex, quiet: int) -> Plant:
    """Another plant of the same fleet, warmer, more worn and with more load than the model has it."""
    plant = Plant(two_sites, 7, quiet - 3600 * SECOND)
    calm = no_effects(two_sites)
    plant.disturb(
        replace(
            calm,
            jar_rise=np.linspace(2.0, 6.0, 36),
            resistance=np.linspace(0.9, 1.4, 36),
            load=np.full(3, 1.3),
        )
    )
    plant.advance(quiet)
    row = two_sites.row("Bangrak/UPS-1", "FloatVoltageSetpoint")
    assert row is not None
    plant.set_point(row, 2.26)
    return plant


def frame_of(index: TagIndex, readings: Readings, time: int) -> Frame:
    frame = first_frame(index, time).next(time)
    frame.take(readings)
    return frame


def seen(index: TagIndex, real: Plant, seconds: float, site: str = "Bangrak") -> tuple[Readings, Readings]:
    """What the real plant reads, and a copy of it in normal operation, some time after its start."""
    shadow = Shadow(index, None, 1)
    readings = real.readings()
    shadow.start("NormalOperation", site, 0, {}, real.time, frame_of(index, readings, real.time))
    after = later(real, seconds)
    return after, shadow.step(after, real.time)


def difference(index: TagIndex, one: Readings, two: Readings, asset: str, name: str) -> Floats:
    return column(index, two, asset, name) - column(index, one, asset, name)


def test_a_copy_reads_what_the_real_plant_reads(two_sites: TagIndex, real: Plant) -> None:
    one, two = seen(two_sites, real, 5)
    jars = slice(0, 24)
    assert np.abs(difference(two_sites, one, two, "Jar", "Temperature")[jars]).max() < 0.4
    ratio = column(two_sites, two, "Jar", "InternalResistance") / column(
        two_sites, one, "Jar", "InternalResistance"
    )
    assert np.abs(ratio[jars] - 1.0).max() < 0.04
    for start in (0, 12):
        string = slice(start, start + 12)
        volts = [column(two_sites, r, "Jar", "Voltage")[string] for r in (one, two)]
        spread = (volts[1] - volts[1].mean()) - (volts[0] - volts[0].mean())
        assert np.abs(spread).max() < 0.015
        assert abs(volts[1].mean() - volts[0].mean()) < 0.1
    assert abs(difference(two_sites, one, two, "Site", "AmbientTemperature")[0]) < 0.4
    assert abs(difference(two_sites, one, two, "Site", "Humidity")[0]) < 2.0
    load = column(two_sites, two, "System", "Load")[0] / column(two_sites, one, "System", "Load")[0]
    assert abs(load - 1.0) < 0.02
    for asset, name in (
        ("System", "FloatVoltageSetpoint"),
        ("System", "OperatingMode"),
        ("Site", "MainsState"),
        ("Site", "HvacState"),
    ):
        assert difference(two_sites, one, two, asset, name)[0] == 0.0
    assert column(two_sites, two, "System", "FloatVoltageSetpoint")[0] == 2.26


def test_it_stays_where_it_was(two_sites: TagIndex, real: Plant) -> None:
    one, two = seen(two_sites, real, 3600)
    assert np.abs(difference(two_sites, one, two, "Jar", "Temperature")[:24]).max() < 1.5
    assert abs(difference(two_sites, one, two, "Site", "AmbientTemperature")[0]) < 1.0
    assert column(two_sites, two, "System", "OperatingMode")[0] == Mode.FLOAT


def test_other_rows_are_the_real_plants(two_sites: TagIndex, real: Plant) -> None:
    one, two = seen(two_sites, real, 5)
    for asset, name, elsewhere in (("Jar", "Voltage", slice(24, 36)), ("Site", "Humidity", slice(1, 2))):
        change = difference(two_sites, one, two, asset, name)
        assert (change[elsewhere] == 0.0).all()


def test_mains_and_charge_are_taken_over(two_sites: TagIndex, quiet: int) -> None:
    real = Plant(two_sites, 7, quiet)
    frame = frame_of(two_sites, real.readings(), quiet)
    frame.put(JAR, "StateOfCharge", 60.0)
    frame.put(JAR, "StateOfHealth", 80.0)
    site = two_sites.slice(AssetType.SITE, "MainsState").start
    frame.value[site] = Mains.LOST
    frame.value[two_sites.slice(AssetType.SITE, "HvacState").start + 1] = Hvac.FAULT
    shadow = Shadow(two_sites, None, 1)
    for target in ("Bangrak", "Phuket"):
        shadow.start("NormalOperation", target, 0, {}, quiet, frame)
    readings = shadow.step(later(real, 60), real.time)
    assert column(two_sites, readings, "Site", "MainsState").tolist() == [Mains.LOST, Mains.PRESENT]
    assert column(two_sites, readings, "Site", "HvacState").tolist() == [Hvac.OFF, Hvac.FAULT]
    assert column(two_sites, readings, "System", "OperatingMode").tolist() == [Mode.DISCHARGE, Mode.RECHARGE]
    soc = shadow._branches["Bangrak"].plant.state.jars.soc[:24]
    assert np.abs(soc - (1.0 - 0.4 / 1.11)).max() < 0.03


def test_a_frame_that_shows_nothing_leaves_the_model(two_sites: TagIndex, quiet: int) -> None:
    shadow, model = Shadow(two_sites, None, 1), Plant(two_sites, 1, quiet)
    shadow.start("NormalOperation", "Bangrak", 0, {}, quiet, first_frame(two_sites, quiet))
    nothing = Readings(*(np.zeros(0, kind) for kind in (np.intp, np.float64, np.uint32, np.int64)))
    readings = shadow.step(nothing, quiet + 60 * SECOND)
    assert not st.is_bad(readings.status).any()
    plain = later(model, 60)
    for name, limit in (("Voltage", 0.05), ("Temperature", 0.8), ("InternalResistance", 0.3)):
        change = difference(two_sites, plain, readings, "Jar", name)[:24]
        assert np.abs(change).max() < limit


def test_scenarios_take_effect_in_it(two_sites: TagIndex, real: Plant) -> None:
    shadow = Shadow(two_sites, None, 1)
    before = real.readings()
    shadow.start(
        "TemperatureSpike", "Bangrak/UPS-1/S02", 0, {}, real.time, frame_of(two_sites, before, real.time)
    )
    shadow.start("PowerOutage", "Bangrak", 0, {}, real.time, frame_of(two_sites, before, real.time))
    after = later(real, 60)
    rise = difference(two_sites, after, shadow.step(after, real.time), "Jar", "Temperature")
    assert np.abs(rise[12:24] - 10.0).max() < 0.6
    assert np.abs(rise[:12]).max() < 0.6
    outage = shadow.step(later(real, 300), real.time)
    assert column(two_sites, outage, "System", "OperatingMode")[0] == Mode.DISCHARGE
