"""The table `outage`: from when to when a site had no mains, as its scans have seen it.

What a scan does not know for Good changes nothing. The first scan after a start tells how every site is, so
an outage that ends while no server runs has its end when one runs again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import psycopg

from historian.connections import Connections
from historian.moments import iso, microseconds, moment
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.index import TagIndex
from nodeset.tags import Mains

# The same news twice change nothing: an outage that is open stays one, one that is over keeps its end.
STATEMENTS: Final = {
    "mains_lost": "INSERT INTO outage (asset_id, began) SELECT asset.id, new.ts "
    "FROM json_to_recordset(%s::json) AS new (path text, ts timestamptz) JOIN asset USING (path) "
    "ON CONFLICT DO NOTHING",
    "mains_back": "UPDATE outage SET ended = new.ts "
    "FROM json_to_recordset(%s::json) AS new (path text, ts timestamptz) JOIN asset USING (path) "
    "WHERE outage.asset_id = asset.id AND outage.ended IS NULL AND outage.began <= new.ts",
}
_KNOWN: Final = (
    "FROM unnest(%(paths)s::text[], %(began)s::timestamptz[], %(ended)s::timestamptz[]) "
    "AS new (path, began, ended) JOIN asset USING (path)"
)
# What is known exactly takes the place of what scans saw of the same outage.
_CORRECT: Final = (
    f"UPDATE outage SET began = new.began {_KNOWN} "
    "WHERE outage.asset_id = asset.id AND outage.began > new.began AND outage.began <= new.ended"
)
_ADD: Final = (
    "INSERT INTO outage (asset_id, began, ended) "
    f"SELECT asset.id, new.began, CASE WHEN new.ended <= %(until)s THEN new.ended END {_KNOWN} "
    "ON CONFLICT DO NOTHING"
)
_READ: Final = (
    "SELECT path, began, ended FROM outage JOIN asset ON asset.id = asset_id "
    "WHERE began < %s AND (ended IS NULL OR ended >= %s) ORDER BY began, path LIMIT %s"
)


@dataclass(frozen=True)
class MainsSeen:
    """A site has mains, or has none, from `time` [µs] on."""

    site: str
    time: int
    present: bool

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is to be written."""
        yield "mains_back" if self.present else "mains_lost", {"path": self.site, "ts": iso(self.time)}


class MainsWatch:
    """Looks at the mains of every site, scan by scan."""

    def __init__(self, index: TagIndex) -> None:
        self._sites = [site.path for site in index.fleet.sites]
        self._seen = np.full(len(self._sites), np.nan)

    def step(self, frame: Frame) -> list[MainsSeen]:
        """What is news in a scan."""
        value = frame.column(AssetType.SITE, "MainsState")
        known = st.is_good(frame.column_status(AssetType.SITE, "MainsState"))
        news = np.flatnonzero(known & (value != self._seen))
        self._seen[news] = value[news]
        return [MainsSeen(self._sites[i], frame.time, bool(value[i] == Mains.PRESENT)) for i in news]


@dataclass(frozen=True)
class Outage:
    """A site without mains; `ended` is None while it lasts. Times in µs."""

    site: str
    began: int
    ended: int | None


async def read_outages(connections: Connections, low: int, high: int, most: int) -> list[Outage]:
    """Up to `most` outages that lasted between two times [µs], in the order of their beginning."""
    async with connections.use() as connection:
        return await outages_between(connection, low, high, most)


async def add_outages(
    connection: psycopg.AsyncConnection, outages: Sequence[tuple[str, int, int]], until: int
) -> None:
    """Add outages that are known exactly, as site, begin and end [µs], unless they are there.

    One that ends after `until` [µs] is left open for scans to see its end; one that scans saw begin later,
    for they began within it, begins when it did.
    """
    known = {
        "paths": [site for site, _, _ in outages],
        "began": [moment(began) for _, began, _ in outages],
        "ended": [moment(ended) for _, _, ended in outages],
        "until": moment(until),
    }
    async with connection.transaction():
        await connection.execute(_CORRECT.encode(), known)
        await connection.execute(_ADD.encode(), known)


async def outages_between(
    connection: psycopg.AsyncConnection, low: int, high: int, most: int
) -> list[Outage]:
    """The same over a connection of one's own."""
    cursor = await connection.execute(_READ, (moment(high), moment(low), most))
    return [
        Outage(site, microseconds(began), None if ended is None else microseconds(ended))
        for site, began, ended in await cursor.fetchall()
    ]
