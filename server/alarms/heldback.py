"""Conditions that operators are not shown as alarms (ISA-18.2: suppressed), and why: pure arithmetic.

A condition is told once for each reason. Suppression by design is told of active conditions only: while a
site is without mains it holds for thousands that are quiet anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from server.alarms.state import AlarmState, Flags, Shelving, Suppression, Times


class Reason(StrEnum):
    """Why a condition is not shown."""

    DISABLED = "Disabled"
    OUT_OF_SERVICE = "OutOfService"
    SHELVED = "Shelved"
    SHELVED_ONCE = "ShelvedOnce"
    SUPPRESSED = "Suppressed"
    BY_DESIGN = "SuppressedByDesign"


@dataclass(frozen=True)
class HeldBack:
    """A row of the alarm table; times in µs since 1970, `until` 0 where only somebody can end it."""

    row: int
    reason: Reason
    since: int
    until: int


def held_back(state: AlarmState) -> list[HeldBack]:
    """All of them, reason by reason."""
    timed = state.shelved == int(Shelving.TIMED)
    once = state.shelved == int(Shelving.ONE_SHOT)
    suppressed = (state.suppressed & int(Suppression.BY_OPERATOR)) != 0
    by_design = ((state.suppressed & int(Suppression.BY_DESIGN)) != 0) & state.active
    never = np.zeros_like(state.shelved_until)
    found: list[HeldBack] = []
    for reason, where, since, until in (
        (Reason.DISABLED, ~state.enabled, state.enabled_time, never),
        (Reason.OUT_OF_SERVICE, state.out_of_service, state.service_time, never),
        (Reason.SHELVED, timed, state.shelved_time, state.shelved_until),
        (Reason.SHELVED_ONCE, once, state.shelved_time, state.shelved_until),
        (Reason.SUPPRESSED, suppressed, state.suppressed_time, never),
        (Reason.BY_DESIGN, by_design, state.suppressed_time, never),
    ):
        found += _of(reason, where, since, until)
    return found


def _of(reason: Reason, where: Flags, since: Times, until: Times) -> list[HeldBack]:
    rows = np.flatnonzero(where)
    columns = zip(rows.tolist(), since[rows].tolist(), until[rows].tolist(), strict=True)
    return [HeldBack(row, reason, began, ends) for row, began, ends in columns]
