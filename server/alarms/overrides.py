"""Where conditions differ from their definitions: limits, severities, hysteresis and delays of a jar model, a
site, a system, a string or a jar; pure. The alarm file and an engineer at run time have the same rules.

What is more specific wins (fleet, model, site, system, string, jar), and of two alike the later. Limits
and hysteresis that are given for the jars of one model, one string or for one jar are as they read there;
those of a whole site, say, whose jars may have different numbers of cells, are as in the definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np

from config.alarmfile import LIMITS, AlarmFile, ConditionChange, LimitChange
from config.yamlfile import Loc
from nodeset.fleet import AssetType, Fleet, Index
from server.alarms.definition import MICROSECONDS, AlarmDef, ConditionIndex
from server.alarms.limits import SIGN, Floats, Limits, cell_scale

NONE: Final = float("nan")
_MOST_DELAY: Final = 86_400.0  # s
_LOW, _HIGH = LIMITS.index("low"), LIMITS.index("high")


class Setting(StrEnum):
    """What can differ, by the browse name that Part 9 has for it; delays in s."""

    LOW_LOW = "LowLowLimit"
    LOW = "LowLimit"
    HIGH = "HighLimit"
    HIGH_HIGH = "HighHighLimit"
    SEVERITY_LOW_LOW = "SeverityLowLow"
    SEVERITY_LOW = "SeverityLow"
    SEVERITY_HIGH = "SeverityHigh"
    SEVERITY_HIGH_HIGH = "SeverityHighHigh"
    HYSTERESIS = "Hysteresis"
    ON_DELAY = "OnDelay"
    OFF_DELAY = "OffDelay"


_LIMITS: Final = (Setting.LOW_LOW, Setting.LOW, Setting.HIGH, Setting.HIGH_HIGH)
_SEVERITIES: Final = (
    Setting.SEVERITY_LOW_LOW,
    Setting.SEVERITY_LOW,
    Setting.SEVERITY_HIGH,
    Setting.SEVERITY_HIGH_HIGH,
)


@dataclass(frozen=True)
class Override:
    """What differs of one condition at `target`: the fleet's path, a path, or a jar model's name.

    A limit of NaN is taken away. `loc` is its place in the alarm file.
    """

    condition: str
    target: str
    values: Mapping[Setting, float]
    loc: Loc = ()


class OverrideError(Exception):
    """An override that cannot be; the text says why."""

    def __init__(self, override: Override, text: str) -> None:
        super().__init__(text)
        self.override = override


def resolve(index: ConditionIndex, overrides: Sequence[Override]) -> Limits:
    """The limits of all conditions; raises `OverrideError`."""
    limits = Limits.of(index)
    for override in sorted(overrides, key=lambda o: _rank(index.fleet, o)):
        apply(limits, index, override)
    return limits


def apply(limits: Limits, index: ConditionIndex, override: Override) -> Index:
    """Set an override in `limits` and give its rows; raises `OverrideError`, and then nothing is set."""
    d, span = _definition(index, override)
    assets = _assets(index.fleet, d, override)
    rows: Index = span.start + assets
    scale = np.ones(len(rows))
    if _rank(index.fleet, override) not in _AS_READ:
        scale = cell_scale(index.fleet, d)[assets]
    part = limits.take(rows)
    for setting, value in override.values.items():
        _set(part, setting, value, scale, override)
    for row in _unique(part):
        fault = _fault(part, row)
        if fault is not None:
            raise OverrideError(override, f"{index.identifier(int(rows[row]))}: {fault}")
    limits.put(rows, part)
    return rows


def setting_of(limits: Limits, setting: Setting, rows: Index) -> Floats:
    """What some conditions have of a setting, in its unit; NaN where there is none."""
    found: Floats
    if setting in _LIMITS:
        column = _LIMITS.index(setting)
        found = limits.signed[rows, column] * SIGN[column]
    elif setting in _SEVERITIES:
        severity = limits.severity[rows, _SEVERITIES.index(setting)]
        found = np.where(severity > 0, severity, NONE)
    elif setting is Setting.HYSTERESIS:
        found = limits.hysteresis[rows, 0]
    else:
        delay = limits.on_delay if setting is Setting.ON_DELAY else limits.off_delay
        found = delay[rows, 0] / MICROSECONDS
    return found


def targeted(index: ConditionIndex, override: Override) -> Index:
    """Rows of the conditions that an override is about; raises `OverrideError`."""
    d, span = _definition(index, override)
    rows: Index = span.start + _assets(index.fleet, d, override)
    return rows


def overrides_of(file: AlarmFile) -> tuple[Override, ...]:
    """The overrides of a checked alarm file, in its order."""
    return tuple(
        Override(name, part.target, _values(change), ("overrides", i, "conditions", name))
        for i, part in enumerate(file.overrides)
        for name, change in part.conditions.items()
    )


def _values(change: ConditionChange) -> dict[Setting, float]:
    found: dict[Setting, float] = {}
    for column, name in enumerate(LIMITS):
        if name not in change.limits.model_fields_set:
            continue
        limit: LimitChange | None = getattr(change.limits, name)
        if limit is None:
            found[_LIMITS[column]] = NONE
            continue
        if limit.value is not None:
            found[_LIMITS[column]] = limit.value
        if limit.severity is not None:
            found[_SEVERITIES[column]] = limit.severity
    others = {
        Setting.HYSTERESIS: change.hysteresis,
        Setting.ON_DELAY: change.on_delay,
        Setting.OFF_DELAY: change.off_delay,
    }
    return found | {setting: value for setting, value in others.items() if value is not None}


# Ranks of targets by how specific they are; those whose jars are all alike.
_RANK: Final = {kind: rank for rank, kind in zip((0, 2, 3, 4, 5), AssetType, strict=True)}
_MODEL: Final = 1
_AS_READ: Final = frozenset({_MODEL, _RANK[AssetType.STRING], _RANK[AssetType.JAR]})


def _rank(fleet: Fleet, override: Override) -> int:
    found = fleet.index_of.get(override.target)
    if found is not None:
        return _RANK[found[0]]
    if any(jar.model_name == override.target for jar in fleet.jars):
        return _MODEL
    raise OverrideError(override, f"'{override.target}' is neither an asset nor a jar model of the fleet")


def _definition(index: ConditionIndex, override: Override) -> tuple[AlarmDef, slice]:
    for d, span in index.spans():
        if d.name == override.condition:
            return d, span
    raise OverrideError(override, f"there is no condition '{override.condition}'")


def _assets(fleet: Fleet, d: AlarmDef, override: Override) -> Index:
    """Indices of the assets that have the condition, at the target or below it."""
    rank, target = _rank(fleet, override), override.target
    if rank == _MODEL:
        members = {AssetType.JAR: [jar.model_name for jar in fleet.jars]}
        members[AssetType.STRING] = [fleet.jars[string.jars.start].model_name for string in fleet.strings]
        found = [name == target for name in members.get(d.asset, [])]
    elif rank == _RANK[AssetType.FLEET]:
        found = [True] * fleet.count(d.asset)
    else:
        found = [f"{asset.path}/".startswith(f"{target}/") for asset in fleet.assets(d.asset)]
    if not any(found):
        raise OverrideError(override, f"{d.name} is a condition of a {d.asset}: there is none at '{target}'")
    return np.flatnonzero(found)


def _set(part: Limits, setting: Setting, value: float, scale: Floats, override: Override) -> None:
    if setting in _LIMITS:
        column = _LIMITS.index(setting)
        if np.isinf(value):
            raise OverrideError(override, f"{setting} must be finite")
        part.signed[:, column] = value * SIGN[column] * scale
        if np.isnan(value):
            part.severity[:, column] = 0
        return
    if setting in _SEVERITIES:
        if not (1 <= value <= 1000 and value == int(value)):
            raise OverrideError(override, f"{setting} must be a whole number from 1 to 1000")
        part.severity[:, _SEVERITIES.index(setting)] = value
        return
    if not 0 <= value < float("inf"):
        raise OverrideError(override, f"{setting} must not be negative")
    if setting is Setting.HYSTERESIS:
        part.hysteresis[:, 0] = value * scale
        return
    if value > _MOST_DELAY:
        raise OverrideError(override, f"{setting} must be at most {_MOST_DELAY:.0f} s")
    delay = part.on_delay if setting is Setting.ON_DELAY else part.off_delay
    delay[:, 0] = round(value * MICROSECONDS)


def _unique(part: Limits) -> Iterable[int]:
    """A row of each kind that there is: of thousands of jars most are alike."""
    values = np.hstack((part.signed, part.severity, part.hysteresis))
    _, first = np.unique(np.nan_to_num(values, nan=np.inf), axis=0, return_index=True)
    return [int(row) for row in np.sort(first)]


def _fault(part: Limits, row: int) -> str | None:
    """What is wrong with a condition's limits: the same rules as the alarm file has."""
    values, severities = part.values(row), part.severity[row].tolist()
    there = [column for column, value in enumerate(values) if value == value]
    if not there:
        return "at least one limit must be left"
    for column, severity in enumerate(severities):
        if (column in there) != (severity > 0):
            return f"{_LIMITS[column]} and {_SEVERITIES[column]} go together"
    for below, above in pairwise(there):
        if values[below] >= values[above]:
            return f"{_LIMITS[above]} must be above {_LIMITS[below]} ({values[below]:g})"
        band = values[above] - values[below]
        if (below, above) == (_LOW, _HIGH) and 2 * float(part.hysteresis[row, 0]) >= band:
            return "Hysteresis must be less than half the band between LowLimit and HighLimit"
    return None
