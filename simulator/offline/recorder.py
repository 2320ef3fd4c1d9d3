"""Simulates one group from begin to end and writes what its monitors read, by site and month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from nodeset import status as st
from nodeset.fleet import AssetType, Fleet, build_fleet
from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.calendar import SECOND
from simulator.occurrences import Occurrence
from simulator.offline.block import Block
from simulator.offline.columns import EVENTS, NO_STATUS, PLANES, asset_types, missing, schema, tags_of
from simulator.offline.files import MonthFile
from simulator.offline.groups import Group
from simulator.offline.hours import Hour
from simulator.offline.job import Content, Job
from simulator.plant import Plant

TELL_EVERY: Final = 20  # steps
Tell = Callable[[int], None]  # hears how many steps are done
Rows = dict[str, int]  # of each file, by its path in the folder


def record(job: Job, group: Group, out: Path, tell: Tell) -> Rows:
    """Write the files of a group into `out`; what `tell` raises stops the run."""
    index = TagIndex(build_fleet(group.file))
    plant = Plant(index, job.seed, job.start)
    sites = [site for site in job.sites if site in group.sites]
    recording = _Recording(index, job, sites, out)
    for done, time in enumerate(range(job.start, job.end, job.step), 1):
        plant.advance(time)
        recording.happened(plant.occurrences())
        recording.take(time, plant.readings())
        if done % TELL_EVERY == 0 or done == job.steps:
            tell(done)
    plant.advance(job.end)
    recording.happened(plant.occurrences())
    recording.close()
    return recording.rows


class _Recording:
    """Takes readings, and writes them when a block is full and when a month is over."""

    def __init__(self, index: TagIndex, job: Job, sites: list[str], out: Path) -> None:
        self.rows: Rows = {}
        self._job, self._out = job, out
        measured = index.measured()
        self._place = np.full(index.size, -1, np.intp)
        self._place[measured] = np.arange(len(measured))
        self._value, self._status = np.empty(len(measured)), np.empty(len(measured), np.uint32)
        self._series = {
            content: _Series(index, content, sites, self._place)
            for content in job.contents
            if content in PLANES
        }
        self._hour = Hour(len(measured), job.start)
        self._log = _Log(sites)
        self._month = month_of(job.start)

    def take(self, time: int, readings: Readings) -> None:
        """The readings of one moment."""
        self._turn_to(time)
        self._value.fill(np.nan)
        self._status.fill(NO_STATUS)
        place = self._place[readings.rows]
        self._value[place], self._status[place] = readings.value, readings.status
        if Content.RAW in self._series:
            self._add(Content.RAW, time, {"": self._value, "Status": self._status})
        if Content.HOURLY in self._series:
            self._hour.add(self._value, st.is_good(self._status) & ~np.isnan(self._value))

    def happened(self, occurrences: tuple[Occurrence, ...]) -> None:
        """What happened since the last call; of the time before the start nothing is told."""
        self._log.add(o for o in occurrences if self._job.start <= o.time < self._job.end)

    def close(self) -> None:
        """Write what is left."""
        self._end_hour()
        self._end_month()

    def _turn_to(self, time: int) -> None:
        if time >= self._hour.end:
            self._end_hour()
            self._hour = Hour(len(self._value), time)
        if month_of(time) != self._month:
            self._end_month()
            self._month = month_of(time)

    def _end_hour(self) -> None:
        if Content.HOURLY in self._series:
            self._add(Content.HOURLY, self._hour.start, self._hour.planes())

    def _add(self, content: Content, time: int, planes: dict[str, Any]) -> None:
        series = self._series[content]
        series.block.add(time, planes)
        if series.block.full:
            series.flush(self._out, self._month)

    def _end_month(self) -> None:
        for series in self._series.values():
            series.flush(self._out, self._month)
            series.close(self.rows, self._out)
        if Content.EVENTS in self._job.contents:
            self._log.write(self._out, self._month, self.rows)


@dataclass(frozen=True)
class _Part:
    """The assets of one type at one site: where their tags stand among the measured rows."""

    site: str
    asset: AssetType
    paths: Any
    places: tuple[slice, ...]
    schema: Any


class _Series:
    """Raw readings or hourly figures: the block that fills up, and the open files of the month."""

    def __init__(self, index: TagIndex, content: Content, sites: list[str], place: Any) -> None:
        self._content = content
        self._parts = list(_parts(index, content, sites, place))
        rows = int((place >= 0).sum())
        self.block = Block({plane.suffix: plane.dtype for plane in PLANES[content]}, rows)
        self._files: dict[tuple[str, AssetType], MonthFile] = {}

    def flush(self, out: Path, month: str) -> None:
        """Write the block as a row group of every file."""
        if not len(self.block.time):
            return
        for part in self._parts:
            key = part.site, part.asset
            if key not in self._files:
                self._files[key] = MonthFile(
                    file_of(out, self._content, part.site, month, part.asset), part.schema
                )
            self._files[key].write(self._table(part))
        self.block.clear()

    def close(self, rows: Rows, out: Path) -> None:
        """The month is over: finish its files."""
        for file in self._files.values():
            file.close()
            rows[str(file.path.relative_to(out))] = file.rows
        self._files.clear()

    def _table(self, part: _Part) -> Any:
        """The block's rows of a part, ordered by asset and then by time: so they compress best."""
        moments, assets = len(self.block.time), len(part.paths)
        numbers = np.repeat(np.arange(assets, dtype=np.int32), moments)
        columns = [
            pa.array(np.tile(self.block.time, assets)).cast(part.schema.field("time").type),
            pa.DictionaryArray.from_arrays(numbers, part.paths),
        ]
        for place in part.places:
            for plane in PLANES[self._content]:
                value = self.block.plane(plane.suffix)[:, place].T.ravel()
                columns.append(pa.array(value, plane.type, mask=missing(plane, value)))
        return pa.Table.from_arrays(columns, schema=part.schema)


class _Log:
    """What happened in the month, by site."""

    def __init__(self, sites: list[str]) -> None:
        self._seen: dict[str, list[Occurrence]] = {site: [] for site in sites}

    def add(self, occurrences: Iterator[Occurrence]) -> None:
        for occurrence in occurrences:
            site = occurrence.path.split("/")[0]
            if site in self._seen:
                self._seen[site].append(occurrence)

    def write(self, out: Path, month: str, rows: Rows) -> None:
        """The month's file of every site, empty where nothing happened; what is later is kept."""
        for site, seen in self._seen.items():
            due = sorted(
                (o for o in seen if month_of(o.time) <= month), key=lambda o: (o.time, o.kind, o.path)
            )
            self._seen[site] = [o for o in seen if month_of(o.time) > month]
            file = MonthFile(file_of(out, Content.EVENTS, site, month), EVENTS)
            file.write(_log_table(due))
            file.close()
            rows[str(file.path.relative_to(out))] = file.rows


def _log_table(seen: list[Occurrence]) -> Any:
    columns = ([o.time for o in seen], [o.kind.value for o in seen], [o.path for o in seen])
    arrays = [pa.array(column, pa.int64() if i == 0 else pa.string()) for i, column in enumerate(columns)]
    time, kind, path = arrays
    detail = pa.array([o.detail for o in seen], pa.string())
    return pa.Table.from_arrays(
        [time.cast(EVENTS.field("time").type), kind.dictionary_encode(), path.dictionary_encode(), detail],
        schema=EVENTS,
    )


def month_of(time: int) -> str:
    """`2024-01`: the month of UTC that `time` [µs] is in."""
    return f"{dt.datetime.fromtimestamp(time // SECOND, dt.UTC):%Y-%m}"


def file_of(out: Path, content: Content, site: str, month: str, asset: AssetType | None = None) -> Path:
    """Where a site's month is written."""
    folder = out / content.value
    return (folder / asset.value.lower() if asset else folder) / site / f"{month}.parquet"


def _parts(index: TagIndex, content: Content, sites: list[str], place: Any) -> Iterator[_Part]:
    fleet = index.fleet
    for number, site in enumerate(fleet.sites):
        if site.name not in sites:
            continue
        for asset in asset_types(index):
            own = _assets_of(fleet, asset, number)
            first = [int(place[index.slice(*tag.key).start]) for tag in tags_of(index, asset)]
            yield _Part(
                site.name,
                asset,
                pa.array([a.path for a in fleet.assets(asset)[own]]),
                tuple(slice(f + own.start, f + own.stop) for f in first),
                schema(index, content, asset),
            )


def _assets_of(fleet: Fleet, asset: AssetType, site: int) -> slice:
    """The assets of a type at a site."""
    return {
        AssetType.SITE: slice(site, site + 1),
        AssetType.SYSTEM: fleet.sites[site].systems,
        AssetType.STRING: fleet.strings_of_site(site),
        AssetType.JAR: fleet.jars_of_site(site),
    }[asset]
