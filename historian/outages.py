"""The table `outage`: from when to when a site had no mains, as its scans have seen it.

What a scan does not know for Good changes nothing. The first scan after a start tells how every site is, so
an outage that ends while no server runs has its end when one runs again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

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
        cursor = await connection.execute(_READ, (moment(high), moment(low), most))
        return [
            Outage(site, microseconds(began), None if ended is None else microseconds(ended))
            for site, began, ended in await cursor.fetchall()
        ]
