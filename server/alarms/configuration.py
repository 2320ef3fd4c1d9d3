"""What engineers changed of the conditions at run time: limits, severities, hysteresis and delays (A2); pure.

The alarm file says how conditions are; changes are overrides as the file can have them, with the same
precedence (server/alarms/overrides.py), and count as later than the file's. They are kept as JSON. One that
no longer fits, because fleet or file have changed, is set aside with the reason: it counts for nothing, and
comes back once it fits again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from nodeset.fleet import Index
from server.alarms.definition import MICROSECONDS, ConditionIndex
from server.alarms.limits import Limits
from server.alarms.overrides import Override, OverrideError, Setting, resolve

_VERSION: Final = 1


@dataclass(frozen=True)
class Change:
    """An override with who made it last, and when [µs]; `fault` says why it is set aside, if it is."""

    override: Override
    user: str
    time: int
    fault: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Condition and target: there is one change of each."""
        return self.override.condition, self.override.target


@dataclass(frozen=True)
class Plan:
    """Changes as they are to be, and the limits of the conditions (`rows`) that this makes differ."""

    changes: tuple[Change, ...]
    rows: Index
    limits: Limits


class UnreadableError(Exception):
    """A file that keeps no changes."""


class Configuration:
    """The changes to the conditions of a fleet; `base` is what the alarm file overrides."""

    def __init__(self, index: ConditionIndex, base: Sequence[Override]) -> None:
        self.index = index
        self.base = tuple(base)
        self.changes: tuple[Change, ...] = ()

    @property
    def overrides(self) -> tuple[Override, ...]:
        """All that counts: the file's, then those made since."""
        return _overrides(self.base, self.changes)

    # -- plans

    def changed(
        self, condition: str, target: str, values: Mapping[Setting, float], user: str, time: int, now: Limits
    ) -> Plan:
        """What it takes to change a condition at a target from what it is `now`; raises `OverrideError`."""
        before = next((each for each in self.changes if each.key == (condition, target)), None)
        kept = {} if before is None or before.fault else before.override.values
        change = Change(Override(condition, target, {**kept, **values}), user, time)
        others = [each for each in self.changes if each is not before]
        return self._plan((*others, change), {condition}, now)

    def reset(self, condition: str, target: str, now: Limits) -> Plan:
        """What it takes to forget changes: of one condition or, where empty, of all; of targets likewise."""
        gone = [
            each
            for each in self.changes
            if condition in ("", each.override.condition) and target in ("", each.override.target)
        ]
        left = tuple(each for each in self.changes if each not in gone)
        return self._plan(left, {each.override.condition for each in gone if not each.fault}, now)

    def _plan(self, changes: tuple[Change, ...], conditions: Iterable[str], now: Limits) -> Plan:
        names, overrides = set(conditions), _overrides(self.base, changes)
        rows: list[Index] = []
        parts: list[Limits] = []
        for d, span in self.index.spans():
            if d.name not in names:
                continue
            names.discard(d.name)
            wanted = [each for each in overrides if each.condition == d.name]
            limits = resolve(ConditionIndex(self.index.fleet, (d,)), wanted)
            some = np.arange(span.start, span.stop)
            other = limits.differ(now.take(some))
            rows.append(some[other])
            parts.append(limits.take(np.flatnonzero(other)))
        for name in names:
            resolve(self.index, [each for each in overrides if each.condition == name])  # raises
        return Plan(changes, np.concatenate([*rows, np.empty(0, np.intp)]), Limits.joined(parts, now))

    # -- over a restart

    def dump(self, changes: Sequence[Change]) -> str:
        """Changes as text, one that people can read too."""
        content = {"version": _VERSION, "changes": [_content(each) for each in changes]}
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def take_up(self, text: str) -> None:
        """Take up what `dump` gave; what does not fit is set aside. Raises `UnreadableError`."""
        try:
            content = json.loads(text)
            found = tuple(_change(each) for each in content["changes"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableError(str(error)) from None
        if self._fault(found) is None:
            self.changes = found
            return
        for each in found:
            self.changes = (*self.changes, replace(each, fault=self._fault((*self.changes, each)) or ""))

    def _fault(self, changes: Sequence[Change]) -> str | None:
        """Why changes do not fit together, or into the fleet."""
        try:
            resolve(self.index, _overrides(self.base, changes))
        except OverrideError as error:
            return str(error)
        return None


def _overrides(base: tuple[Override, ...], changes: Iterable[Change]) -> tuple[Override, ...]:
    return (*base, *(each.override for each in changes if not each.fault))


def _content(change: Change) -> dict[str, Any]:
    """A limit that is taken away is null, times are seconds since 1970."""
    values = {name.value: None if value != value else value for name, value in change.override.values.items()}
    return {
        "condition": change.override.condition,
        "target": change.override.target,
        "values": values,
        "user": change.user,
        "time": change.time / MICROSECONDS,
    }


def _change(content: Mapping[str, Any]) -> Change:
    values = {
        Setting(name): float("nan") if value is None else float(value)
        for name, value in content["values"].items()
    }
    override = Override(str(content["condition"]), str(content["target"]), values)
    return Change(override, str(content["user"]), round(float(content["time"]) * MICROSECONDS))
