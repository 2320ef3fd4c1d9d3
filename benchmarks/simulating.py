"""What simulations cost a scan of the whole fleet, and how soon a stop shows the plant."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any, Final

from benchmarks.scanning import START, Clock, Parts
from nodeset.index import TagIndex
from server.simulations import Simulations
from simulator.shadow import Shadow
from simulator.source import SimulatorSource

SCANS: Final = 50
AT_ONCE: Final = 5
SCENARIO: Final = "TemperatureSpike"


class _Nobody:
    """In the place of those who are told, and of the historian: whatever happens, they do nothing."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_arguments: None


def measure(index: TagIndex) -> dict[str, float]:
    """Medians [ms] by the lines of the table."""
    return asyncio.run(_measure(index))


async def _measure(index: TagIndex) -> dict[str, float]:
    parts, clock, nobody = Parts.of(index), Clock(), _Nobody()
    source, evaluation = SimulatorSource(index, 1, START), parts.evaluation()
    stage, shadow = parts.stage(nobody, clock), Shadow(index, source.plant, 1)
    simulations = Simulations(shadow, evaluation, stage, nobody, 1.0, clock)
    scan = parts.scan(source, evaluation, simulations.show, clock)
    jars, sites = (assets[:AT_ONCE] for assets in (index.fleet.jars, index.fleet.sites))
    found = {}
    for line, targets in (("simulated_jar", jars[:1]), ("simulated_sites", sites)):
        await scan.once()
        for target in targets:
            simulations.start(SCENARIO, target.path, 0.0, {}, "")
        found[line] = await _work(scan)
        began = time.perf_counter()
        simulations.end_all("measured")
        found["restored"] = 1000 * (time.perf_counter() - began)
    return found


async def _work(scan: Any) -> float:
    """Median of a scan after reading the plant [ms]."""
    work = []
    for _ in range(SCANS):
        await scan.once()
        work.append(scan.stats.work_s)
    return 1000 * statistics.median(work)
