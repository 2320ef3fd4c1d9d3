"""What an operator reads of a condition's event: which condition, how it is, what was done to it by whom."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from nodeset.status import UNCERTAIN_SIMULATED_VALUE
from server.alarms.definition import LIMIT_LEVELS, AlarmDef, AlarmType, MeasureKind
from server.alarms.standardtypes import OFF_NORMAL_TYPES
from server.alarms.state import Change, Shelving, Suppression

if TYPE_CHECKING:
    from server.alarms.events import ConditionEvent

SIMULATION: Final = "SIMULATION: "  # before the message of a simulated condition
# By the severity bits of the input's StatusCode.
_INPUT: Final = ("", "; the input is uncertain", "; the input is bad", "; the input is bad")
# Plain numbers: arithmetic on an IntFlag or an IntEnum is slow.
_COLUMN: Final = {int(level): column for column, level in enumerate(LIMIT_LEVELS)}
_LABEL: Final = {int(level): level.label for level in LIMIT_LEVELS}
_DISABLED, _ENABLED, _BY_USER = int(Change.DISABLED), int(Change.ENABLED), int(Change.BY_USER)
# What happens without a user, too.
_BY_ITSELF: Final = frozenset(map(int, (Change.UNSHELVED, Change.SUPPRESSED, Change.UNSUPPRESSED)))
_NEWS: Final = int(Change.ACTIVATED | Change.CLEARED | Change.LEVEL | Change.QUALITY)
_MINUTE: Final = 60_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def message(event: ConditionEvent) -> str:
    """The message of an event; as it was said, where it was told before."""
    if event.said:
        return event.said
    definition, state, change = event.definition, event.state, event.change
    subject = f"{SIMULATION}{definition.message}" if event.simulated else definition.message
    if change & _DISABLED:
        return f"{subject}: disabled by {state.user}"
    if change & _ENABLED:
        return f"{subject}: enabled by {state.user}"
    earlier = "an earlier alarm, " if state.branch else ""
    status = state.quality
    quality = _INPUT[status >> 30] if status and status != UNCERTAIN_SIMULATED_VALUE else ""
    acts = "" if not change & ~_NEWS else "".join(f", {each}" for each in _acts(event))
    return f"{subject}: {earlier}{_situation(event)}{quality}{acts}"


def _situation(event: ConditionEvent) -> str:
    """How the input stands to the limit, in the words of the alarm type."""
    definition, level = event.definition, event.state.level
    if definition.type in OFF_NORMAL_TYPES:
        return _named(event)
    now = _number(event.state.value, definition)
    if definition.measure.kind is MeasureKind.CHANGE:
        now = f"{now} in {definition.measure.window / _MINUTE:g} min"
    if not level:
        return f"no longer, {now}"
    unit = f" {definition.unit}" if definition.unit else ""
    limit = event.limits.values[_COLUMN[level]]
    if math.isnan(limit):  # it was taken away since
        return f"{now}, {_LABEL[level]}"
    if definition.type is AlarmType.DISCREPANCY:
        return f"{now} from its target, tolerance {abs(limit):g}{unit}"
    return f"{now}, {_LABEL[level]} limit {limit:g}{unit}"


def _named(event: ConditionEvent) -> str:
    """An off-normal condition has states, not limits: that of its tag, or what the two are called."""
    definition, state = event.definition, event.state
    if definition.words is not None:
        return definition.words.active if state.level else definition.words.normal
    states, value = definition.tag.states, state.value
    if definition.measure.kind is MeasureKind.VALUE and states and value == value:
        return states[min(max(round(value), 0), len(states) - 1)]
    if not definition.unit:
        return "off normal" if state.level else "normal"
    return f"{'' if state.level else 'normal, '}{_number(value, definition)}"


def _number(value: float, definition: AlarmDef) -> str:
    if math.isnan(value):
        return "no value"
    return f"{value:.2f} {definition.unit}" if definition.unit else f"{value:.2f}"


def _acts(event: ConditionEvent) -> list[str]:
    """What was done besides, by whom."""
    by = f" by {event.state.user}"
    all_by_user = event.change & _BY_USER
    return [
        say(event) + (by if all_by_user or bit not in _BY_ITSELF else "")
        for bit, say in _ACTS.items()
        if event.change & bit
    ]


def _shelved(event: ConditionEvent) -> str:
    until = (_EPOCH + dt.timedelta(microseconds=event.state.shelved_until)).strftime("%Y-%m-%d %H:%M UTC")
    once = event.state.shelved == Shelving.ONE_SHOT
    return f"shelved until it clears, at the latest {until}" if once else f"shelved until {until}"


def _suppressed(event: ConditionEvent) -> str:
    if not event.state.suppressed & Suppression.BY_DESIGN or event.change & _BY_USER:
        return "suppressed"
    return f"suppressed by {' or '.join(event.definition.suppressed_by)}"


_ACTS: Final[dict[int, Callable[[ConditionEvent], str]]] = {
    int(Change.ACKNOWLEDGED): lambda e: "acknowledged",
    int(Change.CONFIRMED): lambda e: "confirmed",
    int(Change.COMMENTED): lambda e: "commented on",
    int(Change.SHELVED): _shelved,
    int(Change.UNSHELVED): lambda e: "no longer shelved",
    int(Change.SUPPRESSED): _suppressed,
    int(Change.UNSUPPRESSED): lambda e: "no longer suppressed",
    int(Change.REMOVED_FROM_SERVICE): lambda e: "taken out of service",
    int(Change.PLACED_IN_SERVICE): lambda e: "back in service",
    int(Change.CONFIGURED): lambda e: "configured anew",
}
