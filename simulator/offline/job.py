"""What an offline run is to do: everything that its files depend on, and nothing else."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from config.fleetfile import FleetFile
from simulator.calendar import SECOND
from simulator.offline.errors import OfflineError
from simulator.offline.groups import Group, groups_of, part_of

SHORTEST_STEP: Final = 1.0  # s
LONGEST_STEP: Final = 3600.0
EARLIEST: Final = dt.date(2000, 1, 1)
LATEST: Final = dt.date(2100, 1, 1)
_EPOCH: Final = dt.date(1970, 1, 1)


class Content(StrEnum):
    """What can be written."""

    RAW = "raw"
    HOURLY = "hourly"
    EVENTS = "events"


@dataclass(frozen=True)
class Job:
    """From `start` to before `end` [µs], readings every `step` [µs]; `sites` are those to be written."""

    file: FleetFile
    seed: int
    start: int
    end: int
    step: int
    sites: tuple[str, ...]
    contents: tuple[Content, ...] = tuple(Content)

    @property
    def steps(self) -> int:
        """How many readings are taken of every tag."""
        return -(-(self.end - self.start) // self.step)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that have a site to be written."""
        return tuple(group for group in groups_of(self.file) if set(group.sites) & set(self.sites))

    @property
    def part(self) -> FleetFile:
        """The fleet of the sites to be written."""
        return part_of(self.file, self.sites)

    @property
    def fleet_hash(self) -> str:
        """SHA-256 of what the fleet file says, however it is written."""
        return hashlib.sha256(self.file.model_dump_json().encode()).hexdigest()


def job_of(
    file: FleetFile,
    seed: int,
    first: dt.date,
    span: tuple[float, float | None],
    step: float,
    sites: tuple[str, ...] = (),
    contents: tuple[Content, ...] = tuple(Content),
) -> Job:
    """A checked job; `span` is years and, if they are to count, days; `step` is in s; no sites are all."""
    unknown = [site for site in sites if site not in file.sites]
    if unknown:
        raise OfflineError(f"unknown site '{unknown[0]}' (known: {', '.join(file.sites)})")
    if not SHORTEST_STEP <= step <= LONGEST_STEP:
        raise OfflineError(f"--step {step:g}: must be from {SHORTEST_STEP:g} to {LONGEST_STEP:g} s")
    if not contents:
        raise OfflineError("there is nothing to write: raw, hourly and events are all left out")
    start, end = _time(first), _end(first, *span)
    step_us = round(step * SECOND)
    if end - start < step_us:
        raise OfflineError("the time to simulate must be at least one step long")
    if first < EARLIEST or end > _time(LATEST):
        raise OfflineError(f"the time to simulate must lie between {EARLIEST} and {LATEST}")
    wanted = tuple(site for site in file.sites if not sites or site in sites)
    return Job(file, seed, start, end, step_us, wanted, contents)


def _end(first: dt.date, years: float, days: float | None) -> int:
    """Whole years are the calendar's; a part of one is of 365 days."""
    if days is not None:
        return _time(first) + round(days * 86_400 * SECOND)
    whole = int(years)
    if first.year + whole > LATEST.year:
        return _time(LATEST) + 1
    leap_day = (first.month, first.day) == (2, 29)
    last = first.replace(year=first.year + whole, day=28 if leap_day else first.day)
    return _time(last) + round((years - whole) * 365) * 86_400 * SECOND


def _time(day: dt.date) -> int:
    return (day - _EPOCH).days * 86_400 * SECOND
