"""The parts of a scan, each on the whole fleet: plant, twin, alarms, live table, and all of it together."""

from __future__ import annotations

import asyncio
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from analytics import estimate, twin
from analytics.parameters import Parameters
from benchmarks.twin import discharge
from config.settings import Settings
from historian.historian import Historian
from historian.writer import Stats
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from server.alarms.conditions import Conditions
from server.alarms.definition import ConditionIndex
from server.alarms.table import AlarmTable
from server.livetable import LiveTable
from server.plantfiles import read_plant_files
from server.scanning.evaluation import Evaluation
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality, Staleness
from server.scanning.scan import Scan, Show
from server.scanning.stage import LiveStage
from server.services.subscription import SubscriptionService
from simulator.plant import Plant
from simulator.source import SimulatorSource

SCANS: Final = 100
REPEATS: Final = 100
TRIPS: Final = 20
SECOND: Final = 1_000_000  # µs
START: Final = 1_790_000_000 * SECOND
_NAMESPACE: Final = 3


class _Forgetful:
    """In the historian's place: it takes every frame and keeps none."""

    stats = Stats()

    def offer(self, frame: Frame) -> None:
        """Nothing."""


class Clock:
    """A plant's clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> int:
        self.time += SECOND
        return self.time


def milliseconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median time of `run` [ms]."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def measure(index: TagIndex) -> dict[str, float]:
    """Medians [ms] by the lines of the table."""
    return asyncio.run(_measure(index))


async def _measure(index: TagIndex) -> dict[str, float]:
    parts = Parts.of(index)
    scan = parts.plain_scan(index)
    plant, work = await _run(scan)
    first, second = scan.frame, await scan.once()
    frames = [first, second] * REPEATS
    twin_frame = second.next(second.time + SECOND)
    return {
        "plant": plant,
        "scan": work,
        "twin": milliseconds(lambda: parts.prognosis.step(twin_frame)),
        "circuit": _circuit(index),
        "quality": _quality(index),
        "alarms": milliseconds(lambda: parts.alarms.step(frames.pop())),
        **_tripping(index, second),
        "commit": milliseconds(lambda: parts.table.commit(frames.pop())),
    }


def _tripping(index: TagIndex, quiet: Frame) -> dict[str, float]:
    """The alarm step in which every jar is far too hot, its voltage too low and its ohmic value too high."""
    conditions, overrides, _ = read_plant_files(Settings())
    rows = ConditionIndex(index.fleet, conditions.defs)
    tracemalloc.start()
    alarms = AlarmTable(rows, START, overrides)
    alarms.step(quiet)
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    trip = quiet.next(quiet.time + SECOND)
    for name, value in (("Temperature", 60.0), ("Voltage", 11.0), ("InternalResistance", 9.0)):
        trip.put(AssetType.JAR, name, value)
    forks = [alarms.fork() for _ in range(TRIPS)]
    return {
        "alarms_count": alarms.index.size,
        "alarms_trip": milliseconds(lambda: forks.pop().step(trip), TRIPS),
        "alarms_memory": memory / 1e6,
    }


def _quality(index: TagIndex) -> float:
    """Judging the readings of a plant that is well, a second apart [ms]."""
    quality, plant = Parts.of(index).quality(), Plant(index, 1, START)
    frame, took = first_frame(index, START).freeze(), []
    for i in range(REPEATS):
        plant.advance(START + (i + 1) * SECOND)
        readings, last = plant.readings(), frame
        frame = last.next(plant.time)
        frame.take(readings)
        began = time.perf_counter()
        quality.assess(last, frame, readings)
        took.append(time.perf_counter() - began)
        frame.freeze()
    return 1000 * statistics.median(took)


def _circuit(index: TagIndex) -> float:
    """The filter of the battery circuit alone [ms]."""
    parameters = Parameters.of(index.fleet)
    state = estimate.first_state(parameters, estimate.ages_days(parameters, START))
    _, inputs = discharge(parameters)
    return milliseconds(lambda: twin.advance(state.circuit, parameters, inputs, 1.0))


def plant_scan(index: TagIndex) -> Scan:
    """A scan of the simulated plant, a second of plant time each, without historian and subscribers."""
    return Parts.of(index).plain_scan(index)


@dataclass(frozen=True)
class Parts:
    """What a scan works with."""

    table: LiveTable
    alarms: AlarmTable
    prognosis: Prognosis

    @classmethod
    def of(cls, index: TagIndex) -> Parts:
        conditions, overrides, _ = read_plant_files(Settings())
        return cls(
            LiveTable(index),
            AlarmTable(ConditionIndex(index.fleet, conditions.defs), START, overrides),
            Prognosis(Parameters.of(index.fleet), START),
        )

    def plain_scan(self, index: TagIndex) -> Scan:
        """A scan of the simulated plant in which nothing is simulated."""
        source = SimulatorSource(index, 1, START)
        return self.scan(source, self.evaluation(), lambda frame, _readings: frame, Clock())

    def evaluation(self) -> Evaluation:
        """What a scan works out of readings."""
        return Evaluation(self.quality(), self.prognosis)

    def quality(self) -> Quality:
        """How far readings are believed."""
        settings = Settings()
        staleness = Staleness(settings.scan.stale_scans, round(settings.scan.lost_after * SECOND))
        return Quality(self.table.index, staleness)

    def stage(self, keeping: Any, clock: Clock) -> LiveStage:
        """Where simulations are shown."""
        subscriptions = self._subscriptions()
        conditions = Conditions(self.alarms, subscriptions, lambda _event: None, _NAMESPACE, clock)
        return LiveStage(conditions, self.table, subscriptions, keeping)

    def scan(self, source: SimulatorSource, evaluation: Evaluation, show: Show, clock: Clock) -> Scan:
        """A scan with nobody to tell."""
        subscriptions, historian = self._subscriptions(), _Forgetful()
        return Scan(
            self.table.index,
            source,
            show,
            evaluation,
            Conditions(self.alarms, subscriptions, lambda _event: None, _NAMESPACE, clock),
            self.table,
            subscriptions,
            cast(Historian, historian),
            1.0,
            clock,
        )

    def _subscriptions(self) -> SubscriptionService:
        return SubscriptionService(self.table, 1, Settings().opcua.min_publishing_interval)


async def _run(scan: Scan) -> tuple[float, float]:
    """Medians of reading the plant and of everything after it [ms]."""
    plant, work = [], []
    for _ in range(SCANS):
        await scan.once()
        plant.append(scan.stats.read_s)
        work.append(scan.stats.work_s)
    return 1000 * statistics.median(plant), 1000 * statistics.median(work)
