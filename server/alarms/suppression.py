"""Suppression (Part 9, 5.8.2): by an operator, or by design while a cause explains the condition.

By design: a definition names the conditions that explain it (`suppressed_by`), of the same asset, of one that
it is part of, or of one of its parts: mains lost at a site explains what it does to each jar there. It is
suppressed while one of them is active, and for `linger` after it; an operator may lift that until then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from nodeset.fleet import AssetType, Fleet, Index
from server.alarms.definition import AlarmDef, ConditionIndex
from server.alarms.state import AlarmState, Flags, Suppression

_BY_OPERATOR, _BY_DESIGN = np.uint8(Suppression.BY_OPERATOR), np.uint8(Suppression.BY_DESIGN)
_UPWARDS: Final = (AssetType.JAR, AssetType.STRING, AssetType.SYSTEM, AssetType.SITE, AssetType.FLEET)


class _Link(NamedTuple):
    """A definition's rows, where its cause's are among all causes, and which of these belongs to which."""

    rows: slice
    causes: slice
    belongs: Index
    explain: Callable[[Flags, Index, int], Flags]


class Explanations:
    """Which conditions are explained by others; remembers what the causes were at the last look."""

    def __init__(self, index: ConditionIndex) -> None:
        self._causes: Index = np.empty(0, np.intp)
        self._linger = np.empty(0, np.int64)
        self._links: list[_Link] = []
        spans = {d.name: (d, rows) for d, rows in index.spans()}
        for d, rows in spans.values():
            for name in d.suppressed_by:
                if name in spans:
                    self._link(index.fleet, d, rows, *spans[name])
        self._on: Flags = np.zeros(len(self._causes), np.bool_)
        self._explained: Flags = np.zeros(index.size, np.bool_)

    def _link(self, fleet: Fleet, d: AlarmDef, rows: slice, cause: AlarmDef, of: slice) -> None:
        places = slice(len(self._causes), len(self._causes) + of.stop - of.start)
        self._causes = np.append(self._causes, np.arange(of.start, of.stop, dtype=np.intp))
        self._linger = np.append(self._linger, np.full(of.stop - of.start, d.linger, np.int64))
        if _UPWARDS.index(cause.asset) < _UPWARDS.index(d.asset):
            self._links.append(_Link(rows, places, _asset_above(fleet, cause.asset, d.asset), _by_parts))
        else:
            self._links.append(_Link(rows, places, _asset_above(fleet, d.asset, cause.asset), _by_whole))

    def step(self, state: AlarmState, time: int) -> Flags:
        """Where a condition is explained now [rows]; not to be written to."""
        on = self._causes_on(state, time)
        if not np.array_equal(on, self._on):
            explained = np.zeros_like(self._explained)
            for rows, causes, belongs, explain in self._links:
                explained[rows] |= explain(on[causes], belongs, rows.stop - rows.start)
            self._on, self._explained = on, explained
        return self._explained

    def _causes_on(self, state: AlarmState, time: int) -> Flags:
        level, since = state.level[self._causes], state.active_time[self._causes]
        lingers = (since > time - self._linger) & (since <= time) & state.enabled[self._causes]
        on: Flags = (level != 0) | lingers
        return on


def suppress_by_design(state: AlarmState, explained: Flags, time: int) -> Index:
    """Suppress what is explained, and nothing else; the rows whose SuppressedState changed."""
    state.lifted[:] &= explained
    wanted = explained & ~state.lifted
    rows = np.flatnonzero(wanted != ((state.suppressed & _BY_DESIGN) != 0))
    if not len(rows):
        return rows
    was = state.suppressed[rows] != 0
    state.suppressed[rows] ^= _BY_DESIGN
    changed: Index = rows[was != (state.suppressed[rows] != 0)]
    state.suppressed_time[changed] = time
    return changed


def suppress(state: AlarmState, row: int, time: int) -> bool:
    """Suppress by an operator (5.8.8); whether that is new."""
    if state.suppressed[row] & _BY_OPERATOR:
        return False
    if not state.suppressed[row]:
        state.suppressed_time[row] = time
    state.suppressed[row] |= _BY_OPERATOR
    return True


def unsuppress(state: AlarmState, row: int, time: int) -> bool:
    """End suppression, also that by design until its cause has ended (5.8.10); whether there was any."""
    if not state.suppressed[row]:
        return False
    state.lifted[row] |= bool(state.suppressed[row] & _BY_DESIGN)
    state.suppressed[row] = 0
    state.suppressed_time[row] = time
    return True


def _by_whole(on: Flags, owner: Index, size: int) -> Flags:
    """What is explained where each asset has the cause that it is part of."""
    return on[owner]


def _by_parts(on: Flags, owner: Index, size: int) -> Flags:
    """The same of causes that are parts: one is enough."""
    explained: Flags = np.zeros(size, np.bool_)
    explained[owner[on]] = True
    return explained


def _asset_above(fleet: Fleet, asset: AssetType, above: AssetType) -> Index:
    """Index of the asset that each asset of a type is part of, or itself."""
    path = _UPWARDS[_UPWARDS.index(asset) : _UPWARDS.index(above)]
    owner: dict[AssetType, Index] = {
        AssetType.JAR: fleet.string_of_jar,
        AssetType.STRING: fleet.system_of_string,
        AssetType.SYSTEM: fleet.site_of_system,
        AssetType.SITE: np.zeros(len(fleet.sites), np.intp),
    }
    found: Index = np.arange(fleet.count(asset), dtype=np.intp)
    for step in path:
        found = owner[step][found]
    return found
