"""Reads processed values: ReadProcessedDetails of Part 11, 6.5.4, for one variable and one aggregate."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import psycopg

from historian.aggregates import compute
from historian.aggregation import Aggregation
from historian.neighbours import around
from historian.series import History, Variables


@dataclass(frozen=True)
class ProcessedReader:
    """Aggregates of the variables of a fleet."""

    variables: Variables

    async def read(
        self, connection: psycopg.AsyncConnection, row: int, aggregation: Aggregation, first: int, limit: int
    ) -> History:
        """Values of the intervals `first` to `first + limit` of the aggregation, as far as there are any.

        The time of a value is the start of its interval, or for the aggregates that say so that of the value.
        `more` says that there are further intervals.
        """
        series = self.variables.series(connection, row)
        edges = aggregation.edges(first, limit)
        samples = await around(series, edges[[0, -1]] if edges[0] < edges[-1] else edges[[-1, 0]])
        found = await asyncio.to_thread(compute, samples, edges, aggregation, series.tag.stepped)
        return History(found.value, found.status, found.time, first + limit < aggregation.count)
