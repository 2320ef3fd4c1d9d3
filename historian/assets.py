"""Numbers of assets in the database: given once to a path and never again, however the fleet file changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from historian.columns import NO_VALUE
from nodeset.fleet import AssetType, Fleet

Ids = NDArray[np.int32]

_REGISTER = """
INSERT INTO asset (type, path)
SELECT new.type, new.path FROM unnest(%s::text[], %s::text[]) AS new (type, path)
LEFT JOIN asset ON asset.path = new.path WHERE asset.id IS NULL
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class AssetIds:
    """Database ids of the present fleet, one array an asset type in the fleet's order."""

    of: dict[AssetType, Ids]

    def jar_ids(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ids of jars given by index in the fleet; NaN where there is no such jar."""
        jars = self.of[AssetType.JAR]
        known = (index >= 0) & (index < len(jars))
        found = np.full(index.shape, np.nan)
        found[known] = jars[index[known].astype(np.intp)]
        return found

    def jar_indices(self, ids: Ids) -> Ids:
        """Index in the present fleet of jars given by id, `NO_VALUE` for a jar that is no longer there."""
        jars = self.of[AssetType.JAR]
        order = np.argsort(jars)
        place = np.minimum(np.searchsorted(jars, ids, sorter=order), len(jars) - 1)
        index = order[place]
        return np.where(jars[index] == ids, index, NO_VALUE).astype(np.int32)


async def register(connection: psycopg.AsyncConnection, fleet: Fleet) -> AssetIds:
    """Give every asset of the fleet an id that has none yet, and return all ids."""
    types = [kind.value for kind in AssetType for _ in fleet.assets(kind)]
    paths = [asset.path for kind in AssetType for asset in fleet.assets(kind)]
    async with connection.transaction():
        await connection.execute(_REGISTER, (types, paths))
        cursor = await connection.execute("SELECT path, id FROM asset WHERE path = ANY(%s)", (paths,))
        ids: dict[str, int] = dict(await cursor.fetchall())
    return AssetIds(
        {kind: np.array([ids[asset.path] for asset in fleet.assets(kind)], np.int32) for kind in AssetType}
    )
