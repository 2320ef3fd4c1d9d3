"""Reads processed values: ReadProcessedDetails of Part 11, 6.5.4, for one variable and one aggregate.

Raw values are read in pages, measured in a thread and forgotten, so that a request takes as little memory
over years as over a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import psycopg

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
from historian.intervals import Processed
from historian.measures import Measure, Piece, Places, Rows, filled, measured
from historian.neighbours import after, around, before, extent, samples_of, tail, together
from historian.series import History, Series, Variables
from nodeset.frame import Times

PAGE: Final = 50_000  # values that are in memory at once
A: Final = Aggregate
# What only the values next to the edges of intervals tell.
_OF_EDGES: Final = frozenset({A.INTERPOLATIVE, A.START_BOUND, A.END_BOUND, A.DELTA_BOUNDS})

AnnotationTimes = Callable[[int, int, int], Awaitable[Times]]  # row, from, to [µs, both in it]


async def no_annotations(row: int, low: int, high: int) -> Times:
    """Where none are kept."""
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class ProcessedReader:
    """Aggregates of the variables of a fleet."""

    variables: Variables
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
            found = await self._annotations(series, row, aggregation, edges)
        else:
            found = await _Reading(series, aggregation, edges).read()
        more = first + limit < aggregation.count
        return History(found.value, found.status, found.time, more)

    async def _annotations(
        self, series: Series, row: int, aggregation: Aggregation, edges: Times
    ) -> Processed:
        low, high = int(edges[0]), int(edges[-1])
        first, last = await extent(series, low, high, aggregation.configuration)
        intervals = intervals_of(aggregation, edges, series.tag.stepped, first, last, reference=0.0)
        return annotation_count(await self.annotation_times(row, low, high), intervals)


@dataclass
class _Reading:
    """One aggregation of one series on its way."""

    series: Series
    aggregation: Aggregation
    edges: Times  # ascending [µs]
    first: int = NO_DATA[0]
    last: int = NO_DATA[1]
    reference: float | None = None
    _parts: list[Mapping[Measure, tuple[Rows, Places]]] = field(default_factory=list)

    async def read(self) -> Processed:
        """All of it."""
        if self.aggregation.aggregate in _OF_EDGES:
            samples = await around(self.series, self.edges, self.aggregation.configuration)
            await self._measure(samples, self.edges, ())
        else:
            async for samples, edges, cuts in self._pages():
                await self._measure(samples, edges, cuts)
        return await asyncio.to_thread(self._finished)

    async def _pages(self) -> AsyncIterator[tuple[Samples, Times, tuple[int, ...]]]:
        """Consecutive parts: samples with their neighbours, edges of cells, and where intervals are cut."""
        configuration = self.aggregation.configuration
        at, high = int(self.edges[0]), int(self.edges[-1])
        lead = await before(self.series, at, configuration)
        after_at = at
        while at < high:
            page = samples_of(await self.series.ascending(after_at, high, PAGE))
            end = high if len(page) < PAGE else int(page.time[-1])
            samples = together(lead, page, await after(self.series, end, configuration))
            within = self.edges[(self.edges > at) & (self.edges < end)]
            cuts = tuple(time for time in (at, end) if time not in self.edges)
            yield samples, np.concatenate(([at], within, [end])), cuts
            lead, at, after_at = tail(together(lead, page), configuration), end, end + 1

    async def _measure(self, samples: Samples, edges: Times, cuts: tuple[int, ...]) -> None:
        if len(samples):
            self.first = min(self.first, int(samples.time[0]))
            self.last = max(self.last, int(samples.time[-1]))
        if self.reference is None:
            self.reference = reference_of(samples)
        aggregation = self.aggregation
        piece = Piece(
            samples,
            edges,
            aggregation.end < aggregation.start,
            self.series.tag.stepped,
            aggregation.configuration,
            self.reference,
            cuts,
        )
        measures = DEFINITIONS[aggregation.aggregate].measures
        offset = int(np.searchsorted(self.edges, edges[0], "right")) - 1
        self._parts.append(await asyncio.to_thread(_measured, measures, piece, offset))

    def _finished(self) -> Processed:
        measures = DEFINITIONS[self.aggregation.aggregate].measures
        rows = {measure: self._joined(measure) for measure in measures}
        stepped, reference = self.series.tag.stepped, self.reference or 0.0
        intervals = intervals_of(self.aggregation, self.edges, stepped, self.first, self.last, reference)
        return finished(self.aggregation.aggregate, rows, intervals)

    def _joined(self, measure: Measure) -> Rows:
        rows, places = zip(*(part[measure] for part in self._parts), strict=True)
        return filled(measure, np.concatenate(rows), np.concatenate(places), len(self.edges) - 1)


def _measured(
    measures: tuple[Measure, ...], piece: Piece, offset: int
) -> Mapping[Measure, tuple[Rows, Places]]:
    """By measure the rows of a piece, and the intervals they are of; the piece begins in that at `offset`."""
    found = {measure: measured(measure, piece) for measure in measures}
    return {measure: (rows, place + offset) for measure, (rows, place) in found.items()}
