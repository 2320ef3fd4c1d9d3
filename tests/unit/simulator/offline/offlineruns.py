"""Small offline runs, and what their files hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from smallfleets import file_of

from config.fleetfile import FleetFile
from simulator.offline.job import Content, Job, job_of
from simulator.offline.recorder import Rows, record

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def two_sites() -> FleetFile:
    """Bangrak with two strings of six jars, Phuket with one."""
    return file_of({"Bangrak": {"UPS-1": (10, {"S01": 6, "S02": 6})}, "Phuket": {"UPS-1": (5, {"S01": 6})}})


def job(
    days: float = 1.0,
    step: float = 900.0,
    first: str = "2024-01-31",
    seed: int = 7,
    sites: tuple[str, ...] = (),
    contents: tuple[Content, ...] = tuple(Content),
) -> Job:
    """A short run of the two sites."""
    return job_of(two_sites(), seed, dt.date.fromisoformat(first), (0.0, days), step, sites, contents)


def run(job: Job, out: Path) -> Rows:
    """Every group of a job, one after the other in this process."""
    rows: Rows = {}
    for group in job.groups:
        rows |= record(job, group, out, lambda done: None)
    return rows


def files(out: Path) -> dict[str, bytes]:
    """Bytes of all files of a folder by their path in it."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def read(path: Path) -> dict[str, list[Any]]:
    """Columns of a file; times in µs since 1970."""
    table = pq.read_table(path)
    columns: dict[str, list[Any]] = table.to_pydict()
    columns["time"] = table.column("time").cast("int64").to_pylist()
    return columns
