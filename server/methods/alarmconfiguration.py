"""Limits, severities, hysteresis and delays of conditions, changed by engineers while the server runs (A2).

By methods of the Alarms object for any part of the fleet, and by writing the properties of one condition. A
change is on disk before it counts and before it is answered; one that contradicts itself or the rest is
refused with a text that says which limit it is.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from asyncua import ua

from nodeset.fleet import Fleet
from server.alarms.conditions import FLEET, Conditions
from server.alarms.configuration import Configuration, Plan, UnreadableError
from server.alarms.limits import Limits
from server.alarms.overrides import Override, OverrideError, Setting, setting_of, targeted
from server.errors import ServiceError
from server.protocol.wire import ticks
from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs
from server.space.addressspace import SettingWriter
from server.statefiles import read_text, write_text

log = structlog.get_logger(__name__)

S = ua.StatusCodes
VT = ua.VariantType

STATE_FILE: Final = "alarmconfiguration.json"
_CONDITION, _TARGET, _NAMES, _VALUES = range(4)  # positions of Configure's arguments
_MILLISECONDS: Final = 1000.0
_NEVER: Final = ua.win_epoch_to_datetime(0)
# Properties of a condition that engineers write, and what a setting is in their unit. There is one hysteresis
# for all limits of a condition, so that each deadband is the same.
_PROPERTIES: Final[dict[str, tuple[Setting, float]]] = {
    **{s.value: (s, 1.0) for s in Setting if s.value.endswith("Limit") or s.value.startswith("Severity")},
    **{f"{level}Deadband": (Setting.HYSTERESIS, 1.0) for level in ("LowLow", "Low", "High", "HighHigh")},
    **{s.value: (s, _MILLISECONDS) for s in (Setting.ON_DELAY, Setting.OFF_DELAY)},
}


def load(configuration: Configuration, path: Path) -> list[str]:
    """Take up what was changed before a restart; what is set aside, in words."""
    text = read_text(path)
    if text is None:
        return []
    try:
        configuration.take_up(text)
    except UnreadableError as error:
        return [f"{path}: what was changed of alarms cannot be read: {error}"]
    return [
        f"{path}: what {each.user} changed of {each.override.condition} at {each.override.target}"
        f" is set aside: {each.fault}"
        for each in configuration.changes
        if each.fault
    ]


class AlarmConfiguration:
    """Changes the configuration of conditions, which lives in the file at `path`."""

    def __init__(
        self, configuration: Configuration, conditions: Conditions, path: Path, clock: Callable[[], int]
    ) -> None:
        self._configuration = configuration
        self._conditions = conditions
        self._path = path
        self._clock = clock
        self._changing = asyncio.Lock()

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods."""
        for name, profile, function in (
            ("Configure", Profile.CALL_ENGINEER, self._configure),
            ("ResetConfiguration", Profile.CALL_ENGINEER, self._reset),
            ("ListConfiguration", Profile.CALL_OPEN, self._list),
        ):
            methods.add(node_id(f"Alarms.{name}"), profile, function)

    # -- one condition

    def writer(self, identifier: str) -> SettingWriter | None:
        """Takes what engineers write to a property of a condition; None for any other node."""
        found = self._property(identifier)
        if found is None:
            return None
        row, setting, scale = found

        async def write(value: Any, user: str) -> int:
            if value != value:
                raise ServiceError(S.BadOutOfRange, "a limit is taken away by Configure only")
            index = self._conditions.table.index
            values = {setting: float(value) / scale}
            try:
                await self._change(index.locate(row)[0].name, index.path(row), values, user)
            except OverrideError as error:
                raise ServiceError(S.BadOutOfRange, str(error)) from None
            except MethodError as error:
                raise ServiceError(error.code, error.text) from None
            return 0

        return write

    def _property(self, identifier: str) -> tuple[int, Setting, float] | None:
        condition, _, member = identifier.rpartition(".")
        known = _PROPERTIES.get(member)
        if known is None or "#" not in condition:
            return None
        row = self._conditions.table.index.row_of_id(condition)
        return None if row is None else (row, *known)

    # -- methods

    async def _configure(self, call: Invocation) -> Outputs:
        condition, target, names, numbers = call.values
        target = target or FLEET
        values = _values(names, numbers)
        self._check(condition, target)
        try:
            call.old = self._before(Override(condition, target, values))
            changed = await self._change(condition, target, values, call.user.name)
        except OverrideError as error:
            raise ArgumentError(_VALUES, S.BadOutOfRange, str(error)) from None
        return (ua.Variant(changed, VT.UInt32),)

    async def _reset(self, call: Invocation) -> Outputs:
        condition, target = (value or "" for value in call.values)
        async with self._changing:
            configuration = self._configuration
            before = configuration.changes
            try:
                plan = await asyncio.to_thread(configuration.reset, condition, target, self._limits)
            except OverrideError as error:
                raise MethodError(S.BadInvalidState, f"what is left contradicts itself: {error}") from None
            gone = [each for each in before if each not in plan.changes]
            call.old = "; ".join(_told(each.override) for each in gone) or None
            await self._carry_out(plan, call.user.name)
        return (ua.Variant(len(gone), VT.UInt32),)

    def _list(self, _call: Invocation) -> Outputs:
        base = [(each, "", _NEVER, "") for each in self._configuration.base]
        changes = [(c.override, c.user, _date(c.time), c.fault) for c in self._configuration.changes]
        found = [
            (override, *rest, setting, value)
            for override, *rest in (*base, *changes)
            for setting, value in override.values.items()
        ]
        return (
            _strings(each[0].condition for each in found),
            _strings(each[0].target for each in found),
            _strings(each[4].value for each in found),
            ua.Variant([float(each[5]) for each in found], VT.Double, is_array=True),
            _strings(each[1] for each in found),
            ua.Variant([each[2] for each in found], VT.DateTime, is_array=True),
            _strings(each[3] for each in found),
        )

    def _check(self, condition: str | None, target: str) -> None:
        """Refuse what does not exist."""
        index = self._configuration.index
        if condition not in {d.name for d in index.defs}:
            text = f"there is no condition '{condition}'"
            raise ArgumentError(_CONDITION, S.BadNotFound, text)
        if not _is_target(index.fleet, target):
            text = f"'{target}' is neither an asset nor a jar model of the fleet"
            raise ArgumentError(_TARGET, S.BadNotFound, text)

    # -- changing

    @property
    def _limits(self) -> Limits:
        return self._conditions.table.limits

    async def _change(self, condition: str, target: str, values: Mapping[Setting, float], user: str) -> int:
        """How many conditions differ by it; raises `OverrideError`."""
        async with self._changing:
            time = self._clock()
            plan = await asyncio.to_thread(
                self._configuration.changed, condition, target, values, user, time, self._limits
            )
            await self._carry_out(plan, user)
        return len(plan.rows)

    async def _carry_out(self, plan: Plan, user: str) -> None:
        """Keep it, then let it count."""
        try:
            await asyncio.to_thread(write_text, self._path, self._configuration.dump(plan.changes))
        except OSError as error:
            log.error("alarm configuration cannot be saved", reason=str(error))
            raise MethodError(S.BadResourceUnavailable, f"it cannot be saved: {error.strerror}") from None
        self._configuration.changes = plan.changes
        self._conditions.configure(plan.rows, plan.limits, user)
        log.warning("alarms configured", by=user, conditions=len(plan.rows))

    def _before(self, override: Override) -> str:
        """What conditions of a target have now: each value, or the lowest and the highest."""
        rows = targeted(self._configuration.index, override)
        parts = []
        for setting in override.values:
            column = setting_of(self._limits, setting, rows)
            known = column[~np.isnan(column)]
            low, high = (known.min(), known.max()) if len(known) else (np.nan, np.nan)
            shown = f"{low:g}" if low == high or low != low else f"{low:g} to {high:g}"
            parts.append(f"{setting.value} {shown}")
        return f"{override.condition} at {override.target}: {', '.join(parts)}"


def _values(names: list[str | None], numbers: list[float]) -> dict[Setting, float]:
    if len(names) != len(numbers) or not names:
        raise ArgumentError(_NAMES, S.BadOutOfRange, "Names and Values need one element a setting")
    values: dict[Setting, float] = {}
    for name, number in zip(names, numbers, strict=True):
        if name not in set(Setting):
            text = f"there is no setting '{name}': {', '.join(Setting)}"
            raise ArgumentError(_NAMES, S.BadOutOfRange, text)
        if values.setdefault(Setting(name), number) is not number:
            raise ArgumentError(_NAMES, S.BadOutOfRange, f"{name} stands twice")
    return values


def _is_target(fleet: Fleet, target: str) -> bool:
    return target in fleet.index_of or any(jar.model_name == target for jar in fleet.jars)


def _told(override: Override) -> str:
    values = ", ".join(f"{setting.value} {value:g}" for setting, value in override.values.items())
    return f"{override.condition} at {override.target}: {values}"


def _date(time: int) -> dt.datetime:
    moment: dt.datetime = ua.win_epoch_to_datetime(ticks(time))
    return moment


def _strings(texts: Iterable[str]) -> ua.Variant:
    return ua.Variant(list(texts), VT.String, is_array=True)
