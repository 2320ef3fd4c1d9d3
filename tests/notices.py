"""Conditions that notification hears of, and who is to be told, for its tests."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from config.notifyfile import NotifyFile
from server.notify.alerts import Alerts, hours_of
from server.notify.message import Message
from server.notify.notice import Notice
from server.notify.wording import Wording

START = 1_795_000_000.0  # Wednesday, 2026-11-18 18:06:40 in Bangkok
LOWEST = (1, 400, 600, 800)
ZONE = ZoneInfo("Asia/Bangkok")
SECOND = 1_000_000
_ids = count(1)
_numbers = count(1)

DUTY = {"webhooks": ["hook"]}
GROUPS = {"duty": DUTY, "leader": DUTY, "boss": DUTY}


def notify_file(*rules: dict[str, Any], **more: Any) -> NotifyFile:
    """A checked file of these rules; without any, everything is told to `duty`."""
    named = [{"name": f"rule {i}", "to": "duty"} | rule for i, rule in enumerate(rules or ({},))]
    file = {
        "webhooks": {"hook": {"url": "https://hooks.example.com/x"}},
        "groups": GROUPS,
        "rules": named,
        "gather": 10,
    }
    return NotifyFile.model_validate(file | more)


def alarm(name: str = "A/UPS-1/S01/J01#TemperatureHigh", at: float = 0.0, **more: Any) -> Notice:
    """A condition that became active `at` seconds after the start."""
    source, _, condition = name.partition("#")
    time = round((START + at) * SECOND)
    fields = {
        "condition": name,
        "source": source,
        "name": condition,
        "kind": "process",
        "number": next(_numbers),
        "event_id": "00" * 16,
        "time": time,
        "active_time": time,
        "severity": 500,
        "active": True,
        "acked": False,
        "quiet": False,
        "title": "Jar temperature is high",
        "message": "Jar temperature is high: 36.00 °C, High limit 35 °C",
        "advice": "Check the air conditioning.",
        "simulated": False,
        "user": "",
    }
    return Notice(**(fields | more))


def later(notice: Notice, **changed: Any) -> Notice:
    """What the condition tells next."""
    return replace(notice, number=next(_numbers), **changed)


def over(notice: Notice, at: float = 0.0, **changed: Any) -> Notice:
    """It has returned to normal."""
    return later(notice, active=False, active_time=round((START + at) * SECOND), **changed)


class Desk:
    """Alerts with a clock of their own, in seconds since the start."""

    def __init__(self, *rules: dict[str, Any], **more: Any) -> None:
        self.file = notify_file(*rules, **more)
        self.zone = ZONE
        self.wording = Wording("Small", self.zone, LOWEST)
        self.alerts = Alerts(self.file, hours_of(self.file, self.zone), self.wording, self._id)

    def _id(self) -> str:
        return f"id{next(_ids)}"

    def take(self, at: float, *notices: Notice) -> None:
        """Conditions told how they are."""
        for notice in notices:
            self.alerts.take(notice, START + at)

    def due(self, at: float) -> list[Message]:
        """What is to be sent."""
        return [message for part in self.alerts.due(START + at) for message in part]

    def brief(self, at: float) -> list[tuple[str, str]]:
        """Kind and group of what is to be sent."""
        return [(message.kind.value, message.group) for message in self.due(at)]

    @property
    def next(self) -> float:
        """When something is due next."""
        return self.alerts.next() - START
