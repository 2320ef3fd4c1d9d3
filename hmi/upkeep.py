"""What was done to assets, and what capacity tests found, as `Objects/Fleet/Maintenance` lists them.

Asked for in the shared session; times in ms since 1970, 0 for what lasts.
"""

from __future__ import annotations

from typing import Any, Final

from asyncua import Client, ua

from hmi.history import time_of
from hmi.management import Rows, rows
from hmi.methods import outputs
from hmi.topology import Topology

OWNER: Final = "Maintenance"
MOST: Final = 1_000
_WORK: Final = ("asset", "began", "ended", "kind", "by", "note", "serial", "baseline", "recorded", "recorder")
_TEST: Final = ("asset", "began", "ended", "current", "voltage", "temperature", "capacity", "rated", "health")
_MILLISECOND: Final = 1_000  # µs


async def work(client: Client, topology: Topology, asset: str, start: int, end: int) -> Rows:
    """What was done to an asset and to all below it, the oldest first."""
    return rows(_WORK, await _listed(client, topology, "ListMaintenance", asset, start, end))


async def tests(client: Client, topology: Topology, asset: str, start: int, end: int) -> Rows:
    """Capacity tests of an asset and of all below it, the oldest first."""
    found = await _listed(client, topology, "ListCapacityTests", asset, start, end)
    return rows((*_TEST, "by", "note"), found)


def concerns(asset: str, path: str) -> bool:
    """Whether what is done to an asset is done to the other one too, being that or a part of it."""
    return asset == path or path.startswith(f"{asset}/")


async def _listed(
    client: Client, topology: Topology, method: str, asset: str, start: int, end: int
) -> list[Any]:
    times = [ua.Variant(time_of(time * _MILLISECOND), ua.VariantType.DateTime) for time in (start, end)]
    asked = ua.Variant(asset, ua.VariantType.String), *times, ua.Variant(MOST, ua.VariantType.UInt32)
    return await outputs(client, topology, OWNER, method, *asked)
