"""The replacement forecast as plain rows: jars and cost by quarter of local time, and by year (R9).

`read` asks the server (`Maintenance.ReplacementForecast`); costs are in the currency that the server names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.methods import outputs
from hmi.topology import Topology

OWNER: Final = "Maintenance"
MOST_QUARTERS: Final = 40  # that the server looks ahead


@dataclass(frozen=True)
class Due:
    """Jars that come to the end of their lives in a `period`, with the 90 % interval, and what they cost.

    `notes` say what work then meets: SONGKRAN, MONSOON.
    """

    period: str  # 2026-Q4, or 2026
    expected: float
    lower: float
    upper: float
    cost: float
    lower_cost: float
    upper_cost: float
    notes: tuple[str, ...] = ()
    quarters: int = 1  # that it covers


@dataclass(frozen=True)
class Forecast:
    """What falls due in each quarter, the present one first."""

    quarters: tuple[Due, ...]
    currency: str

    def as_json(self) -> dict[str, Any]:
        """Quarters and years for the browser."""
        return {
            "quarters": [asdict(each) for each in self.quarters],
            "years": [asdict(each) for each in by_year(self.quarters)],
            "currency": self.currency,
        }


async def read(client: Client, topology: Topology, site: str, quarters: int) -> Forecast:
    """The forecast of a site, of the fleet without one; `ua.UaStatusCodeError` where the server has none."""
    asked = ua.Variant(site, ua.VariantType.String), ua.Variant(quarters, ua.VariantType.UInt32)
    return forecast_of(await outputs(client, topology, OWNER, "ReplacementForecast", *asked))


def forecast_of(columns: Sequence[Any]) -> Forecast:
    """The outputs of ReplacementForecast, in their order, as rows."""
    *figures, notes, currency = columns
    marks = [tuple(text.split()) for text in notes or ()]
    rows: Any = zip(*(column or () for column in figures), marks, strict=True)
    return Forecast(tuple(Due(*row) for row in rows), currency or "")


def by_year(quarters: Sequence[Due]) -> tuple[Due, ...]:
    """Sums of the quarters of each year, of which the first and the last may miss some.

    The quarters' numbers count as independent: a bound is as far from the sum as the root of the sum of the
    squares of their distances.
    """
    years: dict[str, list[Due]] = {}
    for each in quarters:
        years.setdefault(each.period.partition("-")[0], []).append(each)
    return tuple(_sum(year, parts) for year, parts in years.items())


def _sum(year: str, parts: Sequence[Due]) -> Due:
    expected = sum(each.expected for each in parts)
    cost = sum(each.cost for each in parts)
    return Due(
        year,
        expected,
        expected - math.hypot(*(each.expected - each.lower for each in parts)),
        expected + math.hypot(*(each.upper - each.expected for each in parts)),
        cost,
        cost - math.hypot(*(each.cost - each.lower_cost for each in parts)),
        cost + math.hypot(*(each.upper_cost - each.cost for each in parts)),
        quarters=len(parts),
    )
