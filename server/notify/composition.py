"""Notification put together from its file, where the settings name one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from config.notifyfile import NotifyFile, read_notify_file
from server.alarms.conditions import Conditions
from server.alarms.definition import ConditionIndex
from server.alarms.management.management import Management
from server.notify.notice import Incident
from server.notify.notifier import Notifier


def read_notification(path: Path, index: ConditionIndex) -> NotifyFile:
    """The checked file; `ConfigurationError` says what is wrong with it."""
    return read_notify_file(path, index.fleet.index_of, {d.name for d in index.defs})


def notifier_of(file: NotifyFile, conditions: Conditions, state: Path) -> Notifier:
    """A notifier that hears what conditions tell from now on; `state` is the folder for what it keeps."""
    fleet, lowest = conditions.table.index.fleet, conditions.management.settings.priorities.lowest()
    zone = ZoneInfo(file.time_zone) if file.time_zone else fleet.zone
    notifier = Notifier(file, fleet.name, zone, lowest, state, conditions.retained_of_plant)
    notifier.alerts.incident_of = partial(_incident, conditions.management)
    conditions.sinks.append(notifier.tell)
    return notifier


def _incident(management: Management, condition: str) -> Incident | None:
    """The open incident that a condition is part of."""
    found = management.of_condition(condition)
    if found is None:
        return None
    return Incident(found.id, found.cause, found.first_out, found.members, found.suppressed)
