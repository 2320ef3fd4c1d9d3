"""How the fleet fared in the last six months: a value a day, from HistoryRead's averages; shaping is pure.

Days are those of the roll-ups (UTC). Times in µs since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from asyncua import Client

from hmi import history
from hmi.timelimit import time_limit
from hmi.topology import FLEET, Topology
from hmi.trend import DAY, Point

DAYS: Final = 183
TAGS: Final = ("MeanStateOfHealth", "MeanRemainingUsefulLife", "HealthyJars", "Jars", "ActiveAlarms")


async def read(client: Client, topology: Topology, end: int) -> dict[str, list[Point]]:
    """Daily averages of each of `TAGS` up to a time, today's own included."""
    async with time_limit(history.TIMEOUT):
        nodes = [topology.node(f"{FLEET}.{tag}") for tag in TAGS]
        found = await history.averages(client, nodes, end - DAYS * DAY, end, DAY)
    return dict(zip(TAGS, found, strict=True))


def as_json(found: Mapping[str, Sequence[Point]]) -> dict[str, Any]:
    """Days [ms] and their values, null for none: health [%], life [d], healthy jars [%], active alarms."""
    values = {tag: dict(points) for tag, points in found.items()}
    days = sorted({time for points in values.values() for time in points})

    def line(tag: str, decimals: int) -> list[float | None]:
        return [_round(values[tag].get(day), decimals) for day in days]

    shares = [_share(values["HealthyJars"].get(day), values["Jars"].get(day)) for day in days]
    return {
        "t": [day // 1000 for day in days],
        "health": line("MeanStateOfHealth", 2),
        "life": line("MeanRemainingUsefulLife", 1),
        "healthy": shares,
        "alarms": line("ActiveAlarms", 1),
    }


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else _round(100 * part / whole, 2)


def _round(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
