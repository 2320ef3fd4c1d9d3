"""The last year of a real fleet's roll-ups as days of its jars, for what is learnt of them (R1).

What training sees of simulated fleets (`plantyears`) serving sees here, in the same form; the same function
makes features of both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import psycopg

from analytics.discharges import Outages, discharges
from analytics.history import Days, Units
from analytics.parameters import Parameters, Single
from analytics.windows import YEAR
from historian.assets import AssetIds, register
from historian.daily import LATE, DailyReader, Figures, rolled_up
from historian.maintenance import last_replacements
from historian.outages import outages_between
from historian.quality import QualityDictionary
from historian.rolledup import DAY
from nodeset.fleet import AssetType, Fleet
from server.maintenance.nameplates import Nameplates

MOST_OUTAGES: Final = 100_000
_OF_JARS: Final = ("Voltage", "Temperature", "InternalResistance")

_Columns = dict[str, Single]


@dataclass
class RecentDays:
    """Reads the year before a day again and again; what it has read of a day it keeps for the rest of it, but
    for the days of late, whose hours may still come in, and unless older days have been rolled up since."""

    _ids: AssetIds | None = None
    _fleet: Fleet | None = None
    _day: int = 0
    _older: tuple[int, ...] = ()
    _columns: _Columns | None = None

    async def read(
        self, connection: psycopg.AsyncConnection, fleet: Fleet, parameters: Parameters, day: int
    ) -> tuple[Days, Units]:
        """The year before `day` (since 1970), and the jars that stand in their places on its morning."""
        columns = await self._read(connection, fleet, day)
        outages = await _outages(connection, fleet, day)
        read = ~np.isnan(columns["Temperature"])
        site = fleet.site_of_jar
        count, drawn = discharges(outages, columns["Load"], day - YEAR, parameters, site, read)
        days = Days(
            day - YEAR,
            voltage=columns["Voltage"],
            temperature=columns["Temperature"],
            temperature_min=columns["least"],
            temperature_max=columns["greatest"],
            resistance=columns["InternalResistance"],
            discharges=count,
            drawn=drawn,
        )
        return days, await units_at(connection, fleet, parameters, day)

    async def _read(self, connection: psycopg.AsyncConnection, fleet: Fleet, day: int) -> _Columns:
        if self._fleet is not fleet or self._ids is None:
            self._fleet, self._ids, self._columns = fleet, await register(connection, fleet), None
        first = self._ids.of[AssetType.JAR][fleet.first_jar_of_string]
        older = await rolled_up(connection, first, day - YEAR, day - LATE)
        kept = self._columns if (self._day, self._older) == (day, older) else None
        late = await _columns(connection, self._ids, day - (YEAR if kept is None else LATE), day)
        if kept is not None:
            late = {name: np.concatenate([array[:-LATE], late[name]]) for name, array in kept.items()}
        self._day, self._older, self._columns = day, older, late
        return late


async def recent_days(
    connection: psycopg.AsyncConnection, fleet: Fleet, parameters: Parameters, day: int
) -> tuple[Days, Units]:
    """The same, once."""
    return await RecentDays().read(connection, fleet, parameters, day)


async def units_at(
    connection: psycopg.AsyncConnection, fleet: Fleet, parameters: Parameters, day: int
) -> Units:
    """The jars that stand in their places on the morning of `day`: those of the fleet file, or those that
    have replaced them since."""
    plates = Nameplates(fleet)
    plates.renew(await last_replacements(connection, day * DAY))
    since = np.array(plates.since, np.float64)
    return replace(
        Units.of(fleet, parameters),
        installed=np.where(since > 0, since / DAY, parameters.installed),
        baseline=np.array([jar.baseline_resistance for jar in plates.jars], np.float64),
    )


async def _columns(connection: psycopg.AsyncConnection, ids: AssetIds, first: int, after: int) -> _Columns:
    quality = QualityDictionary()
    jars = DailyReader(AssetType.JAR, ids.of[AssetType.JAR], _OF_JARS, ("Temperature",), quality)
    systems = DailyReader(AssetType.SYSTEM, ids.of[AssetType.SYSTEM], ("Load",), (), quality)
    found: dict[str, Figures] = await jars.read(connection, first, after)
    found |= await systems.read(connection, first, after)
    extremes = {"least": found["Temperature"].least, "greatest": found["Temperature"].greatest}
    return {name: figures.mean for name, figures in found.items()} | extremes


async def _outages(connection: psycopg.AsyncConnection, fleet: Fleet, day: int) -> Outages:
    """Those of the year; one that lasts has lasted until the morning."""
    found = await outages_between(connection, (day - YEAR) * DAY, day * DAY, MOST_OUTAGES)
    number = {site.path: i for i, site in enumerate(fleet.sites)}
    rows = [
        (number[each.site], each.began, day * DAY if each.ended is None else each.ended)
        for each in found
        if each.site in number
    ]
    site, began, ended = np.array(rows, np.int64).reshape(-1, 3).T
    return Outages(site.astype(np.intp), began, ended)
