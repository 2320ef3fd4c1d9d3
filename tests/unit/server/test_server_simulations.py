"""Simulations beside the scan: the plant goes on bit by bit, and what is shown follows between scans."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from alarmplant import TEMPERATURE

from analytics.estimate import Parameters
from historian.writer import Stats
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.index import TagIndex
from server.alarms.conditions import Conditions
from server.alarms.definition import ConditionIndex
from server.alarms.events import ConditionEvent
from server.alarms.overlay import Overlay
from server.alarms.table import AlarmTable
from server.livetable import LiveTable
from server.scanning.evaluation import Evaluation
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality, Staleness
from server.scanning.scan import Scan
from server.scanning.stage import LiveStage
from server.services.subscription import SubscriptionService
from server.simulations import REFRESH, SimulationFailed, Simulations
from simulator.shadow import Shadow
from simulator.source import SimulatorSource

SECOND = 1_000_000
START = 1_790_000_000 * SECOND
FIRST, SECOND_JAR = "Bangrak/UPS-1/S01/J01", "Bangrak/UPS-1/S02/J03"
SIMULATED = st.UNCERTAIN_SIMULATED_VALUE


class Rig:
    """A scan of a simulated plant with simulations; its clock stands until it is told to go on."""

    def __init__(self, index: TagIndex, period: float = 5.0) -> None:
        self.index, self.time = index, START
        self.told: list[tuple[str, ...]] = []
        self.kept: list[tuple[int, int]] = []
        self.journal: list[ConditionEvent] = []
        source = SimulatorSource(index, 1, START)
        self.evaluation = Evaluation(
            Quality(index, Staleness(3, 300 * SECOND)), Prognosis(Parameters.of(index.fleet), START)
        )
        self.alarms = AlarmTable(ConditionIndex(index.fleet, (TEMPERATURE,)), START)
        self.table = LiveTable(index)
        subscriptions = SubscriptionService(self.table, 1, 50)
        self.conditions = conditions = Conditions(
            self.alarms, subscriptions, self.journal.append, 3, self.now
        )
        keeping: Any = SimpleNamespace(
            touch=lambda touched: self.kept.append((-1, int(touched.sum()))),
            take=lambda frame: self.kept.append((frame.time, int((frame.status == SIMULATED).sum()))),
        )
        historian: Any = SimpleNamespace(offer=lambda frame: None, stats=Stats())
        stage = LiveStage(conditions, self.table, subscriptions, keeping)
        self.shadow = Shadow(index, source.plant, 1)
        self.simulations = Simulations(
            self.shadow, self.evaluation, stage, _Told(self.told), period, self.now
        )
        self.scan = Scan(
            index,
            source,
            self.simulations.show,
            self.evaluation,
            conditions,
            self.table,
            subscriptions,
            historian,
            period,
            self.now,
        )

    def now(self) -> int:
        return self.time

    async def step(self, seconds: float = 5.0) -> Frame:
        """A scan so much later; the plant's frame."""
        self.time += round(seconds * SECOND)
        return await self.scan.once()

    def start(self, scenario: str, target: str, duration: float = 0.0, **parameters: float) -> str:
        return self.simulations.start(scenario, target, duration, parameters, "kim").id

    def value(self, path: str, name: str = "Temperature") -> float:
        row = self.index.row(path, name)
        return float(self.table.rows["value"][row])

    def status(self, path: str, name: str = "Temperature") -> int:
        row = self.index.row(path, name)
        return int(self.table.rows["status"][row])


class _Told:
    """Whoever is told of simulations."""

    def __init__(self, told: list[tuple[str, ...]]) -> None:
        self._told = told

    def started(self, scenario: Any, user: str, time: int) -> None:
        self._told.append(("started", scenario.id, user))

    def stopped(self, scenario: Any, user: str, time: int) -> None:
        self._told.append(("stopped", scenario.id, user))

    def over(self, scenario: Any, reason: str, time: int) -> None:
        self._told.append(("over", scenario.id, reason))

    def failed(self, scenario: Any, time: int) -> None:
        self._told.append(("failed", scenario.id))


@pytest.fixture
def rig(small_index: TagIndex) -> Rig:
    return Rig(small_index)


def same(one: Frame, other: Frame) -> bool:
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes()
        for name in ("value", "status", "source_time")
    )


async def test_the_plant_and_its_memory_are_as_without_simulations(small_index: TagIndex) -> None:
    alone, beside = Rig(small_index), Rig(small_index)
    await alone.step()
    await beside.step()
    for scan in range(12):
        if scan == 1:
            ageing = beside.start("AcceleratedAgeing", "Bangrak/UPS-1/S01", Ramp=0)
            beside.start("PowerOutage", "Bangrak", LoadFactor=3)
        if scan == 5:
            beside.simulations.stop(ageing, "kim")
        if scan == 9:
            beside.simulations.end_all("enough")
        assert same(await alone.step(), await beside.step())
    for saved, undisturbed in (
        (beside.evaluation.prognosis.save(), alone.evaluation.prognosis.save()),
        (beside.alarms.save(), alone.alarms.save()),
    ):
        assert saved.keys() == undisturbed.keys()
        assert all(saved[k].tobytes() == undisturbed[k].tobytes() for k in saved if k != "nonce")
    assert same(beside.table.frame, alone.table.frame)
    assert same(await alone.step(), await beside.step())


async def test_sums_are_of_what_is_shown(rig: Rig) -> None:
    await rig.step()
    lost = rig.start("CommunicationLoss", FIRST)
    for _ in range(4):
        await rig.step()
    assert rig.value("Bangrak", "FreshDataShare") == pytest.approx(100 * 5 / 6, abs=0.1)
    assert rig.status("Bangrak", "FreshDataShare") == SIMULATED
    rig.simulations.stop(lost, "kim")
    assert rig.value("Bangrak", "FreshDataShare") == 100.0
    assert rig.status("Bangrak", "FreshDataShare") == st.GOOD


async def test_what_is_simulated_is_remembered_from_scan_to_scan(rig: Rig) -> None:
    await rig.step()
    lost = rig.start("CommunicationLoss", FIRST)
    await rig.step(301)
    assert rig.status(FIRST) == st.BAD_NO_COMMUNICATION
    assert rig.status(SECOND_JAR) == st.GOOD
    await rig.step()
    assert rig.status(FIRST) == st.BAD_NO_COMMUNICATION
    rig.simulations.stop(lost, "kim")
    assert rig.status(FIRST) == st.GOOD


async def test_the_twin_of_what_is_shown_explains_it(rig: Rig) -> None:
    await rig.step()
    rig.start("AcceleratedAgeing", FIRST, Ramp=0)
    own = rig.evaluation.prognosis
    assert rig.simulations.prognosis_of(0) is not own
    assert rig.simulations.prognosis_of(1) is own
    rig.simulations.end_all("enough")
    assert rig.simulations.prognosis_of(0) is own


async def test_between_scans_that_are_far_apart_the_shadow_goes_on(
    small_index: TagIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(small_index, period=60.0)
    await rig.step()
    plant = rig.scan.frame
    rig.start("ThermalRunaway", FIRST, Rate=60)
    before = rig.value(FIRST)
    moment = 0.0
    monkeypatch.setattr("server.simulations.clock.monotonic", lambda: moment)
    rig.simulations.refresh()
    rig.time += 3 * SECOND
    rig.simulations.sweep()
    assert rig.value(FIRST) == before  # it is not time yet
    moment += REFRESH
    rig.simulations.sweep()
    assert rig.value(FIRST) > before + 1
    assert rig.scan.frame is plant  # nobody has asked the source
    assert rig.value(SECOND_JAR) == float(plant.value[small_index.row(SECOND_JAR, "Temperature")])


async def test_where_scans_are_frequent_they_are_enough(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.step()
    rig.start("ThermalRunaway", FIRST, Rate=60)
    kept = len(rig.kept)
    monkeypatch.setattr("server.simulations.clock.monotonic", lambda: 1e9)
    rig.time += SECOND
    rig.simulations.sweep()
    assert len(rig.kept) == kept


async def test_an_end_does_not_wait_for_the_next_scan(rig: Rig) -> None:
    await rig.step()
    simulation = rig.start("TemperatureSpike", FIRST, duration=2.0, Rise=15)
    rig.time += SECOND
    rig.simulations.sweep()
    assert rig.status(FIRST) == SIMULATED
    rig.time += SECOND
    rig.simulations.sweep()
    assert rig.status(FIRST) == st.GOOD
    assert rig.told == [("started", simulation, "kim"), ("over", simulation, "its duration is over")]
    assert same(rig.table.frame, rig.scan.frame)


async def test_readings_that_took_their_time_do_not_take_the_shadow_back(rig: Rig) -> None:
    await rig.step()
    rig.start("ThermalRunaway", FIRST, Rate=60)
    rig.time += 4 * SECOND
    rig.simulations.refresh()
    shown = rig.table.frame.time
    rig.time -= 2 * SECOND  # this scan had begun before the refresh
    await rig.step(0)
    assert rig.table.frame.time == shown


async def test_a_first_step_that_fails_is_no_start(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.step()
    rig.start("NormalOperation", SECOND_JAR)
    with monkeypatch.context() as patched:
        patched.setattr(rig.shadow, "step", lambda *_: 1 / 0)
        with pytest.raises(SimulationFailed):
            rig.start("NormalOperation", FIRST)
    assert rig.simulations.running() == ()
    assert [kind for kind, *_ in rig.told] == ["started", "started", "failed", "failed"]
    assert same(rig.table.frame, rig.scan.frame)
    await rig.step()
    rig.start("NormalOperation", FIRST)
    assert rig.status(FIRST) == SIMULATED


@pytest.mark.parametrize("defect", ["step", "show"])
async def test_alarms_that_fail_cost_the_plant_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    await rig.step()
    rig.start("NormalOperation", FIRST)
    with monkeypatch.context() as patched:
        patched.setattr(Overlay, "step", lambda *_: 1 / 0)
        patched.setattr(Overlay, defect, lambda *_: 1 / 0)
        frame = await rig.step()
    assert rig.simulations.running() == ()
    assert same(rig.table.frame, frame)
    hot = frame.next(frame.time)
    hot.put(AssetType.JAR, "Temperature", 50.0)
    told: list[int] = []
    monkeypatch.setattr(rig.conditions, "tell", lambda _table, transitions: told.extend(transitions.rows))
    rig.conditions.step(hot)
    assert 0 in told  # its conditions are the plant's again


async def test_alarms_are_counted_as_they_are_shown(rig: Rig) -> None:
    await rig.step()
    rig.start("TemperatureSpike", FIRST, Rise=15)
    assert rig.value("Bangrak", "ActiveAlarms") == 1.0
    assert rig.status("Fleet", "ActiveAlarms") == SIMULATED
    assert int(rig.alarms.state.active.sum()) == 0
    rig.simulations.end_all("enough")
    assert rig.value("Bangrak", "ActiveAlarms") == 0.0
    assert rig.status("Fleet", "ActiveAlarms") == st.GOOD


async def test_a_health_that_is_simulated_is_not_remembered(rig: Rig) -> None:
    await rig.step()
    before = rig.value(FIRST, "StateOfHealth")
    ageing = rig.start("AcceleratedAgeing", FIRST, Ramp=0, ResistanceRise=100)
    rig.start("NormalOperation", SECOND_JAR)  # so that the shadow goes on
    for _ in range(50):
        await rig.step()
    assert rig.value(FIRST, "StateOfHealth") < before - 2
    rig.simulations.stop(ageing, "kim")
    rig.start("NormalOperation", FIRST)
    assert rig.value(FIRST, "StateOfHealth") == pytest.approx(before, abs=1.0)
    column = rig.index.column(rig.table.rows["status"], AssetType.JAR, "StateOfHealth")
    assert np.count_nonzero(column == SIMULATED) == 2
