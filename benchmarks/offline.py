"""The offline simulation of the shipped fleet: a day at 60 s to Parquet, in a process a core."""

from __future__ import annotations

import datetime as dt
import resource
import time
from pathlib import Path
from typing import Final

from config.fleetfile import FleetFile
from simulator.offline.job import job_of
from simulator.offline.workers import cores, record_all

SEED: Final = 7
FIRST: Final = dt.date(2024, 5, 20)
DAYS: Final = 1.0
STEP: Final = 60.0  # s


def measure(file: FleetFile, folder: Path) -> dict[str, float]:
    """Steps of the fleet and rows of all tables a second [1/s], and CPU time a step [ms] of all processes."""
    job = job_of(file, SEED, FIRST, (0.0, DAYS), STEP)
    began, cpu = time.perf_counter(), _cpu()
    rows = record_all(job, folder, cores(), lambda done: None)
    seconds = time.perf_counter() - began
    return {
        "offline": job.steps / seconds,
        "offline_rows": sum(rows.values()) / seconds,
        "offline_cpu": 1000 * (_cpu() - cpu) / job.steps,
    }


def _cpu() -> float:
    """CPU time [s] of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
