"""Alarm definitions, and which row of the alarm arrays is whose condition: pure arithmetic, nothing stored.

Rows run definition by definition, the assets of a definition contiguous and in the fleet's order. A
condition is identified by `<path>#<Name>`, for example `Bangrak/UPS-1/S03/J07#TemperatureHigh` (I5).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from config.alarmfile import AlarmFile, Condition
from nodeset.fleet import AssetType, Fleet, Index
from nodeset.index import Scalar, TagIndex
from nodeset.tags import TAG_OF, Mode, TagDef
from nodeset.units import CELSIUS, KELVIN, PERCENT

MICROSECONDS = 1_000_000
_DAY = 86_400 * MICROSECONDS


class Level(IntEnum):
    """State of an ExclusiveLimitStateMachineType (Part 9, 5.8.12.2); NONE is inactive."""

    LOW_LOW = -2
    LOW = -1
    NONE = 0
    HIGH = 1
    HIGH_HIGH = 2

    @property
    def label(self) -> str:
        """Browse name of the state."""
        return "".join(word.capitalize() for word in self.name.split("_"))


# The column of a limit in arrays of shape (rows, 4).
LIMIT_LEVELS = (Level.LOW_LOW, Level.LOW, Level.HIGH, Level.HIGH_HIGH)


class ConditionClass(StrEnum):
    """What a condition is about (Part 9, 5.9)."""

    PROCESS = "process"
    MAINTENANCE = "maintenance"
    SAFETY = "safety"
    SYSTEM = "system"


class AlarmType(StrEnum):
    """The ObjectType of a condition (Part 9, 5.8): each stands for one of the standard's alarm types."""

    LEVEL = "level"  # ExclusiveLevelAlarmType
    DEVIATION = "deviation"  # ExclusiveDeviationAlarmType
    RATE_OF_CHANGE = "rate_of_change"  # ExclusiveRateOfChangeAlarmType
    OFF_NORMAL = "off_normal"  # OffNormalAlarmType
    SYSTEM = "system"  # SystemOffNormalAlarmType
    INSTRUMENT = "instrument"  # InstrumentDiagnosticAlarmType
    DISCREPANCY = "discrepancy"  # DiscrepancyAlarmType


class MeasureKind(StrEnum):
    """What of its tag a condition compares with its limits; inputs.py has how each is worked out."""

    VALUE = "value"
    FLOAT_COMPENSATED = "float_compensated"
    CHANGE = "change"
    FROM_STRING_MEAN = "from_string_mean"
    FROM_BASELINE = "from_baseline"
    ABNORMAL = "abnormal"
    MISSING = "missing"
    ALL_OF = "all_of"


@dataclass(frozen=True)
class Measure:
    """A kind of measure with what shapes it: window [µs], numbers of states, levels of other conditions."""

    kind: MeasureKind = MeasureKind.VALUE
    window: int = 0
    states: tuple[int, ...] = ()
    of: tuple[tuple[str, Level], ...] = ()


@dataclass(frozen=True)
class Words:
    """What the states of an off-normal condition are called."""

    normal: str
    active: str


@dataclass(frozen=True)
class AlarmDef:
    """One condition of every asset of a type; delays in µs, limits in `unit` (NaN: none)."""

    name: str
    tag: TagDef
    kind: ConditionClass
    limits: tuple[float, float, float, float]
    severities: tuple[int, int, int, int]
    hysteresis: float
    on_delay: int
    off_delay: int
    message: str
    advice: str
    type: AlarmType = AlarmType.LEVEL
    confirm: bool = False  # whether an operator has also to confirm (Part 9, 5.7.2)
    # Conditions of the asset, of what it is part of, or of its parts, that explain this one.
    suppressed_by: tuple[str, ...] = ()
    linger: int = 0  # µs for which they explain it after their end
    measure: Measure = Measure()
    modes: tuple[Mode, ...] = ()  # operating modes in which it can be active; none: all
    cells: int = 0  # limits are those of a jar of so many cells; 0: of any jar
    words: Words | None = None  # of off-normal types: what a message says instead of a number
    shelve_max: int = _DAY  # µs for which an operator may shelve it: MaxTimeShelved (Part 9, 5.8.2)

    @property
    def asset(self) -> AssetType:
        """The type of asset that has the condition."""
        return self.tag.asset

    @cached_property
    def unit(self) -> str:
        """Symbol of the unit of what is compared, and so of the limits; empty where it has none."""
        if self.measure.kind in (MeasureKind.FROM_BASELINE, MeasureKind.MISSING):
            return PERCENT.symbol
        if self.measure.kind in (MeasureKind.ABNORMAL, MeasureKind.ALL_OF) or self.tag.unit is None:
            return ""
        is_difference = self.measure.kind in (MeasureKind.CHANGE, MeasureKind.FROM_STRING_MEAN)
        return KELVIN.symbol if is_difference and self.tag.unit is CELSIUS else self.tag.unit.symbol


def alarm_defs(file: AlarmFile) -> tuple[AlarmDef, ...]:
    """The definitions of a checked alarm file, in its order."""
    return tuple(_definition(name, part) for name, part in file.conditions.items())


def _definition(name: str, part: Condition) -> AlarmDef:
    tag = TAG_OF[AssetType(part.asset), part.tag]
    limits = (part.limits.low_low, part.limits.low, part.limits.high, part.limits.high_high)
    low_low, low, high, high_high = (limit.value if limit else float("nan") for limit in limits)
    least, less, more, most = (limit.severity if limit else 0 for limit in limits)
    return AlarmDef(
        name,
        tag,
        ConditionClass(part.kind),
        (low_low, low, high, high_high),
        (least, less, more, most),
        part.hysteresis,
        round(part.on_delay * MICROSECONDS),
        round(part.off_delay * MICROSECONDS),
        part.message,
        part.advice,
        AlarmType(part.type),
        part.confirm,
        part.suppressed_by,
        round(part.linger * MICROSECONDS),
        _measure(part, tag),
        tuple(Mode[mode.upper()] for mode in part.modes),
        part.cells or 0,
        None if part.words is None else Words(part.words.normal, part.words.active),
        round(part.shelve_max * MICROSECONDS),
    )


def _measure(part: Condition, tag: TagDef) -> Measure:
    measure = part.measure
    return Measure(
        MeasureKind(measure.kind),
        round((measure.window or 0.0) * MICROSECONDS),
        tuple(tag.states.index(state) for state in measure.states),
        tuple((name, Level[limit.upper()]) for name, limit in measure.of.items()),
    )


class ConditionIndex:
    """Rows of all conditions of a fleet."""

    def __init__(self, fleet: Fleet, defs: tuple[AlarmDef, ...]) -> None:
        self.fleet = fleet
        self.defs = defs
        self._first = tuple(accumulate((fleet.count(d.asset) for d in defs), initial=0))
        self._by_name = {d.name: i for i, d in enumerate(defs)}

    @property
    def size(self) -> int:
        """How many conditions there are."""
        return self._first[-1]

    def spans(self) -> Iterator[tuple[AlarmDef, slice]]:
        """Each definition with its rows."""
        for d, start, stop in zip(self.defs, self._first, self._first[1:], strict=False):
            yield d, slice(start, stop)

    def locate(self, row: int) -> tuple[AlarmDef, int]:
        """Definition of a row, and index of its asset."""
        if not 0 <= row < self.size:
            raise IndexError(row)
        i = bisect_right(self._first, row) - 1
        return self.defs[i], row - self._first[i]

    def row(self, path: str, name: str) -> int | None:
        """Row of the condition `name` of the asset at `path`, or None where there is none."""
        found, i = self.fleet.index_of.get(path), self._by_name.get(name)
        if found is None or i is None or self.defs[i].asset is not found[0]:
            return None
        return self._first[i] + found[1]

    def row_of_id(self, identifier: str) -> int | None:
        """Row of the condition with the NodeId `s=<identifier>`."""
        path, _, name = identifier.partition("#")
        return self.row(path, name)

    def path(self, row: int) -> str:
        """Path of the asset whose condition a row is."""
        d, i = self.locate(row)
        return self.fleet.assets(d.asset)[i].path

    def identifier(self, row: int) -> str:
        """Text of a row's NodeId."""
        d, i = self.locate(row)
        return f"{self.fleet.assets(d.asset)[i].path}#{d.name}"

    def of_inputs(self, array: NDArray[Scalar], index: TagIndex) -> NDArray[Scalar]:
        """What an array over all live variables says of each condition's input."""
        return np.concatenate([index.column(array, d.tag.asset, d.tag.name) for d in self.defs])

    def site_of_row(self) -> Index:
        """Index of the site of each row's asset; the number of sites for the fleet's own conditions."""
        fleet = self.fleet
        site_of = {
            AssetType.FLEET: np.array([len(fleet.sites)], np.intp),
            AssetType.SITE: np.arange(len(fleet.sites), dtype=np.intp),
            AssetType.SYSTEM: fleet.site_of_system,
            AssetType.STRING: fleet.site_of_string,
            AssetType.JAR: fleet.site_of_jar,
        }
        return np.concatenate([site_of[d.asset] for d in self.defs])
