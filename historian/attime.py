"""Reads values at given times: ReadAtTimeDetails of Part 11, 6.5.5, for one variable."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import psycopg

from historian.aggregation import SERVER_DEFAULTS
from historian.bounds import interpolated, simple
from historian.neighbours import around, ordered, together
from historian.rolledup import RolledUp
from historian.series import History, Variables
from historian.standins import NONE, StandIns, doubted, stand_ins
from nodeset.frame import Times

# A value that is Uncertain is told as such; only Bad ones are skipped.
_CONFIGURATION: Final = replace(SERVER_DEFAULTS, treat_uncertain_as_bad=False)


@dataclass(frozen=True)
class AtTimeReader:
    """Values of the variables of a fleet at any time, stored or interpolated.

    Where raw values are gone, roll-ups stand in if there are any.
    """

    variables: Variables
    rolled_up: RolledUp | None = None

    async def read(
        self, connection: psycopg.AsyncConnection, row: int, times: Times, simple_bounds: bool
    ) -> History:
        """The value of the variable in `row` at each of `times` [µs], in their order.

        Where none is stored it is a bounding value of Part 13: between the nearest values, or with
        `simple_bounds` False between the nearest that are not Bad.
        """
        series = self.variables.series(connection, row)
        gone = await self._stand_ins(connection, row, times)
        samples = await around(series, np.unique(times), _CONFIGURATION)
        samples = ordered(together(samples, gone.samples))
        bound = simple if simple_bounds else interpolated
        made = await asyncio.to_thread(bound, samples, times, series.tag.stepped, _CONFIGURATION)
        status = doubted(made.status, gone.touch(times, times + 1)) if len(gone.days) else made.status
        return History(made.value, status, times, more=False)

    async def _stand_ins(self, connection: psycopg.AsyncConnection, row: int, times: Times) -> StandIns:
        if self.rolled_up is None or not len(times):
            return NONE
        low, high = int(times.min()), int(times.max())
        return await stand_ins(connection, self.rolled_up, row, low, high)
