"""Reads processed values: ReadProcessedDetails of Part 11, 6.5.4, for one variable and one aggregate.

Raw values are read in pages, measured in a thread and forgotten, so that a request takes as little memory
over years as over a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from historian.aggregates import (
    DEFINITIONS,
    NO_DATA,
    annotation_count,
    finished,
    intervals_of,
    reference_of,
)
from historian.aggregation import Aggregate, Aggregation
from historian.bounds import Samples
from historian.due import HOUR
from historian.intervals import Processed
from historian.measures import Measure, Piece, Places, Rows, filled, measured
from historian.neighbours import after, around, before, extent, ordered, samples_of, tail, together
from historian.rolledreading import Part, Rolled, part_of, rolled, steps_of, telling_hours, without
from historian.rolledup import RolledUp
from historian.series import History, Series, Variables
from historian.standins import NONE, StandIns, doubted, stand_ins
from nodeset.frame import Times

PAGE: Final = 50_000  # values that are in memory at once
A: Final = Aggregate
# What only the values next to the edges of intervals tell.
_OF_EDGES: Final = frozenset({A.INTERPOLATIVE, A.START_BOUND, A.END_BOUND, A.DELTA_BOUNDS})

# Connection, row, from, to [µs, both in it].
AnnotationTimes = Callable[[psycopg.AsyncConnection, int, int, int], Awaitable[Times]]


async def no_annotations(connection: psycopg.AsyncConnection, row: int, low: int, high: int) -> Times:
    """Where none are kept."""
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class ProcessedReader:
    """Aggregates of the variables of a fleet; of raw values alone where there are no roll-ups."""

    variables: Variables
    rolled_up: RolledUp | None = None
    annotation_times: AnnotationTimes = no_annotations

    async def read(
        self, connection: psycopg.AsyncConnection, row: int, aggregation: Aggregation, first: int, limit: int
    ) -> History:
        """Values of the intervals `first` to `first + limit` of the aggregation, as far as there are any.

        The time of a value is the start of its interval, or for the aggregates that say so its own. `more`
        says that there are further intervals.
        """
        series = self.variables.series(connection, row)
        edges = np.sort(aggregation.edges(first, limit))
        if aggregation.aggregate is Aggregate.ANNOTATION_COUNT:
            found = await self._annotations(connection, series, row, aggregation, edges)
        else:
            rolling = None if self.rolled_up is None else _RollUps(connection, self.rolled_up, row)
            found = await _Reading(series, aggregation, edges, rolling).read()
        more = first + limit < aggregation.count
        return History(found.value, found.status, found.time, more)

    async def _annotations(
        self,
        connection: psycopg.AsyncConnection,
        series: Series,
        row: int,
        aggregation: Aggregation,
        edges: Times,
    ) -> Processed:
        low, high = int(edges[0]), int(edges[-1])
        first, last = await extent(series, low, high, aggregation.configuration)
        intervals = intervals_of(aggregation, edges, series.tag.stepped, first, last, reference=0.0)
        return annotation_count(await self.annotation_times(connection, row, low, high), intervals)


@dataclass(frozen=True)
class _RollUps:
    """The roll-ups of one variable."""

    connection: psycopg.AsyncConnection
    source: RolledUp
    row: int

    async def between(self, low: int, high: int, step: int) -> Rolled:
        """The buckets that can be used."""
        return await rolled(self.connection, self.source, self.row, low, high, step)

    async def stand_ins(self, low: int, high: int) -> StandIns:
        """What there is of raw values that are gone."""
        return await stand_ins(self.connection, self.source, self.row, low, high)


@dataclass
class _Reading:
    """One aggregation of one series on its way."""

    series: Series
    aggregation: Aggregation
    edges: Times  # ascending [µs]
    rolling: _RollUps | None
    first: int = NO_DATA[0]
    last: int = NO_DATA[1]
    reference: float | None = None
    doubtful: NDArray[np.bool_] = field(init=False)  # intervals that are not made of raw values alone
    _parts: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing is doubtful yet."""
        self.doubtful = np.zeros(len(self.edges) - 1, np.bool_)

    async def read(self) -> Processed:
        """All of it."""
        low, high = int(self.edges[0]), int(self.edges[-1])
        if self.rolling is None:
            await self._read_raw(low, high)
        else:
            steps = steps_of(self.aggregation, self.edges, self.series.tag)
            if steps:
                self._reach(*await extent(self.series, low, high, self.aggregation.configuration))
            await self._read_rolled(self.rolling, low, high, steps)
        return await asyncio.to_thread(self._finished)

    async def _read_rolled(self, rolling: _RollUps, low: int, high: int, steps: tuple[int, ...]) -> None:
        """What roll-ups of the first of `steps` tell, and what they leave by the others or by raw values."""
        until = min(high, self.series.covered_since)
        if not steps or until - low < steps[0]:
            await (self._read_rolled(rolling, low, high, steps[1:]) if steps else self._read_raw(low, high))
            return
        found = await rolling.between(low, until, steps[0])
        if len(found.buckets.start):
            self._reach_gone(int(found.buckets.start[0]), int(found.buckets.start[-1]), steps[0])
            if self.reference is None:
                self.reference = float(np.nan_to_num(found.buckets.min[0]))
        part = part_of(found, self.aggregation, self.edges, self._reference)
        self._parts.append(await self._located(part, int(found.buckets.rows.max(initial=1))))
        for start, end in found.holes(low, high):
            await self._read_rolled(rolling, start, end, steps[1:])

    async def _located(self, part: Part, most: int) -> Part:
        """The same with what raw values tell of extremes: when, and how often; an hour has `most` or so."""
        telling = telling_hours(part, self.aggregation.aggregate, len(self.edges) - 1)
        if telling is None:
            return part
        measure, hours = telling
        size = max(PAGE // most, 1)
        for some in np.split(hours, range(size, len(hours), size)):
            samples = samples_of(await self.series.in_hours(some))
            there = np.unique(samples.time - samples.time % HOUR)
            gone = np.setdiff1d(some, there)
            self.doubtful[np.searchsorted(self.edges, gone, "right") - 1] = True
            part = without(part, measure, there)
            rows = measured(measure, self._piece(samples, self.edges, ()))
            self._parts.append({measure: rows})
        return part

    async def _read_raw(self, low: int, high: int) -> None:
        gone = NONE if self.rolling is None else await self.rolling.stand_ins(low, high)
        if len(gone.days):
            self.doubtful |= gone.touch(np.maximum(self.edges[:-1], low), np.minimum(self.edges[1:], high))
        elif self.aggregation.aggregate in _OF_EDGES:
            samples = await around(self.series, self.edges, self.aggregation.configuration)
            await self._measure(samples, self.edges, ())
            return
        async for part in self._pages(low, high, gone.samples):
            await self._measure(*part)

    async def _pages(
        self, at: int, high: int, gone: Samples
    ) -> AsyncIterator[tuple[Samples, Times, tuple[int, ...]]]:
        """Consecutive parts: samples with their neighbours, edges of cells, and where intervals are cut."""
        configuration = self.aggregation.configuration
        lead = await before(self.series, at, configuration)
        after_at = at
        while at < high:
            page = samples_of(await self.series.ascending(after_at, high, PAGE))
            end = high if len(page) < PAGE else int(page.time[-1])
            page = ordered(together(page, gone.of(_between(gone.time, after_at, end))))
            samples = together(lead, page, await after(self.series, end, configuration))
            within = self.edges[(self.edges > at) & (self.edges < end)]
            cuts = tuple(time for time in (at, end) if time not in self.edges)
            yield samples, np.concatenate(([at], within, [end])), cuts
            lead, at, after_at = tail(together(lead, page), configuration), end, end + 1

    async def _measure(self, samples: Samples, edges: Times, cuts: tuple[int, ...]) -> None:
        if len(samples):
            self._reach(int(samples.time[0]), int(samples.time[-1]))
        if self.reference is None and len(samples):
            self.reference = reference_of(samples)
        piece = self._piece(samples, edges, cuts)
        offset = int(np.searchsorted(self.edges, edges[0], "right")) - 1
        measures = DEFINITIONS[self.aggregation.aggregate].measures
        self._parts.append(await asyncio.to_thread(_measured, measures, piece, offset))

    def _piece(self, samples: Samples, edges: Times, cuts: tuple[int, ...]) -> Piece:
        backward = self.aggregation.end < self.aggregation.start
        stepped, configuration = self.series.tag.stepped, self.aggregation.configuration
        return Piece(samples, edges, backward, stepped, configuration, self._reference, cuts)

    @property
    def _reference(self) -> float:
        return self.reference or 0.0

    def _reach(self, first: int, last: int) -> None:
        """There are values at these times [µs]."""
        self.first, self.last = min(self.first, first), max(self.last, last)

    def _reach_gone(self, first: int, last: int, step: int) -> None:
        """Buckets that begin at these times [µs] reach further where their raw values are gone."""
        if first + step <= self.first:
            self.first = first
        if last > self.last:
            self.last = last + step - 1

    def _finished(self) -> Processed:
        measures = DEFINITIONS[self.aggregation.aggregate].measures
        rows = {measure: self._joined(measure) for measure in measures}
        stepped = self.series.tag.stepped
        intervals = intervals_of(
            self.aggregation, self.edges, stepped, self.first, self.last, self._reference
        )
        found = finished(self.aggregation.aggregate, rows, intervals)
        where = self.doubtful[::-1] if intervals.backward else self.doubtful
        return Processed(found.value, doubted(found.status, where), found.time)

    def _joined(self, measure: Measure) -> Rows:
        parts = [part[measure] for part in self._parts if measure in part]
        rows, place = (np.concatenate(some) for some in zip(*parts, strict=True))
        order = np.argsort(place, kind="stable")
        return filled(measure, rows[order], place[order], len(self.edges) - 1)


def _between(times: Times, low: int, high: int) -> Places:
    return np.flatnonzero((times >= low) & (times <= high))


def _measured(measures: tuple[Measure, ...], piece: Piece, offset: int) -> Part:
    """By measure the rows of a piece, and the intervals they are of; the piece begins in that at `offset`."""
    found = {measure: measured(measure, piece) for measure in measures}
    return {measure: (rows, place + offset) for measure, (rows, place) in found.items()}
