"""Which further groups are to hear of an alert that nobody acknowledges (A9)."""

from __future__ import annotations

import math

from config.notifyfile import Rule, Step
from server.notify.alert import Alert

_MINUTE = 60.0


def escalate(alert: Alert, rule: Rule, now: float) -> list[Step]:
    """The steps that are due; it starts over when somebody has acknowledged all of it."""
    if not alert.waits:
        alert.waits_since, alert.step = None, 0
        return []
    if alert.waits_since is None:
        alert.waits_since = now
    due = []
    while next_step(alert, rule) <= now:
        due.append(rule.escalate[alert.step])
        alert.step += 1
    return due


def next_step(alert: Alert, rule: Rule) -> float:
    """When the next step is due [s since 1970], inf for never."""
    if alert.waits_since is None or alert.step >= len(rule.escalate):
        return math.inf
    return alert.waits_since + rule.escalate[alert.step].after * _MINUTE
