"""What a report says, as values: of every jar, of every site, and what happened; None is not known."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analytics.replacements import Forecast
from server.reports.alarmrates import AlarmFigures
from server.reports.period import Period

Value = float | None


@dataclass(frozen=True)
class JarFacts:
    """A jar at the period's end; its temperature is the period's mean [°C], resistances in mΩ.

    Health in % of the rated capacity, `health_before` at the period's beginning; life left in days with its
    90 % interval; `quarter` in which to replace it is year * 4 + quarter - 1.
    """

    path: str
    site: str
    model: str
    serial: str
    installed: dt.date
    baseline: float
    status: int | None = None
    voltage: Value = None
    temperature: Value = None
    resistance: Value = None
    health: Value = None
    health_before: Value = None
    life: Value = None
    life_lower: Value = None
    life_upper: Value = None
    quarter: int | None = None

    @property
    def predicted(self) -> bool:
        """Whether its remaining life is known, with its interval."""
        return None not in (self.life, self.life_lower, self.life_upper)


@dataclass(frozen=True)
class Day:
    """Lowest, mean and highest of a local day."""

    date: dt.date
    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Outage:
    """A site without mains, clipped to the period; `open` where it outlasts it."""

    site: str
    began: dt.datetime
    ended: dt.datetime
    open: bool

    @property
    def seconds(self) -> float:
        """How long [s]."""
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True)
class Alarm:
    """An alarm that was raised, or one that is open."""

    site: str
    source: str
    condition: str
    time: dt.datetime
    severity: int
    message: str = ""
    acknowledged: bool = True
    active: bool = True


@dataclass(frozen=True)
class Work:
    """Maintenance of an asset."""

    asset: str
    kind: str
    began: dt.datetime
    done_by: str
    note: str
    serial: str


@dataclass(frozen=True)
class Test:
    """A capacity test of an asset; health at 25 °C [%]."""

    __test__ = False

    asset: str
    began: dt.datetime
    capacity: float
    rated: float
    health: float
    done_by: str


@dataclass
class SiteFacts:
    """A site, or the whole fleet."""

    name: str
    region: str
    jars: list[JarFacts] = field(default_factory=list)
    fresh: Value = None  # % of jars with fresh data, over all hours of the period
    silent_hours: int = 0  # without any data
    health: list[Day] = field(default_factory=list)  # mean state of health
    room: list[Day] = field(default_factory=list)  # °C
    outages: list[Outage] = field(default_factory=list)
    raised: list[Alarm] = field(default_factory=list)
    open: list[Alarm] = field(default_factory=list)
    rates: AlarmFigures | None = None
    works: list[Work] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[int | None]:
        """Jars by health status."""
        return Counter(jar.status for jar in self.jars)

    @property
    def outage_seconds(self) -> float:
        """Time without mains [s]."""
        return sum(outage.seconds for outage in self.outages)

    def mean(self, name: str) -> Value:
        """Mean over the jars of which a value is known."""
        return mean(getattr(jar, name) for jar in self.jars)

    @property
    def decline(self) -> Value:
        """Health that its jars lost in the period, on average [%]; jars that were replaced say nothing."""
        replaced = {work.asset for work in self.works if work.kind == "Replacement"}
        pairs = [
            (jar.health_before, jar.health)
            for jar in self.jars
            if not any(jar.path == asset or jar.path.startswith(f"{asset}/") for asset in replaced)
        ]
        return mean(a - b for a, b in pairs if a is not None and b is not None)


@dataclass(frozen=True)
class Report:
    """The facts of a period; `site` is empty for the fleet, `whole` is what the report is of.

    `simulations` ran in it; `made` is when it was written, by the plant's clock.
    """

    period: Period
    fleet: str
    site: str
    made: dt.datetime
    simulated: bool
    simulations: int
    whole: SiteFacts
    sites: Sequence[SiteFacts]
    forecast: Forecast
    currency: str
    priorities: tuple[int, int, int, int]

    @property
    def lives(self) -> int:
        """Jars whose remaining life is known, with its interval: what the forecast is made of."""
        return sum(jar.predicted for jar in self.whole.jars)

    @property
    def begun(self) -> bool:
        """Whether the period still lasts."""
        return self.made < self.period.high


def mean(values: Iterable[Value]) -> Value:
    """Of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
