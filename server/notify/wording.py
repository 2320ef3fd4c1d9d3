"""What a message says: subject, plain text, and the same for a program.

A message names the site, what came first and how bad it is, counts what there is, and lists the ten worst:
an outage of a site reads in half a minute, on a telephone.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final
from zoneinfo import ZoneInfo

from config.notifyfile import RateLimit
from server.notify.alert import Alert, Member
from server.notify.flow import Held
from server.notify.message import Kind
from server.notify.notice import LONGEST_ADVICE, LONGEST_LINE, LONGEST_TITLE, plain
from server.notify.phrases import PHRASES, PRIORITIES, Language

MOST_LINES: Final = 10
_LONGEST_SUBJECT: Final = 160
_MICROSECONDS: Final = 1_000_000


class Wording:
    """The words for one fleet; `lowest` is the lowest severity of each priority, from low to critical."""

    def __init__(self, fleet: str, zone: ZoneInfo, lowest: Sequence[int]) -> None:
        self._fleet = fleet
        self._zone = zone
        self._lowest = lowest

    def subject(self, alert: Alert, kind: Kind, listed: Sequence[Member], language: Language) -> str:
        """One line that says what happened where."""
        say, lead = PHRASES[language], listed[0]
        what = plain(f"{lead.notice.source}: {lead.notice.title}", LONGEST_TITLE)
        more = say["more"].format(n=len(listed) - 1) if len(listed) > 1 else ""
        line = say[kind].format(what=what, priority=self._priority(lead.worst, language))
        mark = say["simulation"] if alert.simulated else ""
        return f"{mark}{plain(line, _LONGEST_SUBJECT - len(mark) - len(more))}{more}"

    def text(
        self,
        alert: Alert,
        kind: Kind,
        listed: Sequence[Member],
        group: str,
        language: Language,
        minutes: float = 0,
    ) -> str:
        """The message; `listed` is what it is about, the worst first, at least one.

        `minutes` is how long nobody has acknowledged.
        """
        say = PHRASES[language]
        lead = listed[0].notice
        parts = [self._head(alert, kind, listed, language, minutes), self._first(alert, language)]
        if alert.incident is not None:
            parts.append(say["incident"].format_map(asdict(alert.incident)))
        parts.append("")
        parts += [self._line(member, language) for member in listed[:MOST_LINES]]
        if len(listed) > MOST_LINES:
            parts.append(say["rest"].format(n=len(listed) - MOST_LINES))
        parts += ["", self._now(alert, kind, language)]
        if kind in (Kind.ALARM, Kind.UPDATE, Kind.ESCALATION) and lead.advice:
            parts += ["", say["advice"].format(advice=plain(lead.advice, LONGEST_ADVICE))]
        foot = say["foot"].format(fleet=self._fleet, rule=alert.rule, group=group, zone=self._zone.key)
        return "\n".join([*parts, "", "-- ", foot, ""])

    def data(self, alert: Alert, kind: Kind, listed: Sequence[Member], group: str) -> dict[str, Any]:
        """The same for a program."""
        return {
            "type": kind.value,
            "fleet": self._fleet,
            "site": alert.site,
            "rule": alert.rule,
            "group": group,
            "alert": alert.id,
            "simulated": alert.simulated,
            "severity": max(member.worst for member in listed),
            "priority": self._priority(max(member.worst for member in listed), "en"),
            "first": alert.first,
            "incident": None if alert.incident is None else asdict(alert.incident),
            "count": len(listed),
            "active": len(alert.active),
            "unacknowledged": _waiting(alert),
            "alarms": [self._alarm(member) for member in listed[:MOST_LINES]],
        }

    def digest(self, held: Held, limit: RateLimit, group: str, language: Language) -> tuple[str, str]:
        """Subject and text of what was held back."""
        say = PHRASES[language]
        subject = say["digest"].format(priority=self._priority(held.severity, language), n=held.messages)
        last = sorted(held.last.values(), key=lambda each: -each[0])
        head = say["digest_head"].format(
            n=held.messages, time=self._time(held.since), most=limit.messages, minutes=f"{limit.minutes:g}"
        )
        lines = [say["digest_line"].format(subject=text) for _, text in last[: 2 * MOST_LINES]]
        if len(last) > 2 * MOST_LINES:
            lines.append(say["rest"].format(n=len(last) - 2 * MOST_LINES))
        foot = say["foot_digest"].format(fleet=self._fleet, group=group, zone=self._zone.key)
        return subject, "\n".join(
            [head, say["digest_last"].format(n=len(last)), "", *lines, "", "-- ", foot, ""]
        )

    def digest_data(self, held: Held, group: str) -> dict[str, Any]:
        """The same for a program."""
        last = sorted(held.last.items(), key=lambda each: -each[1][0])
        return {
            "type": Kind.DIGEST.value,
            "fleet": self._fleet,
            "group": group,
            "severity": held.severity,
            "priority": self._priority(held.severity, "en"),
            "count": held.messages,
            "alerts": [{"alert": thread, "severity": s, "subject": text} for thread, (s, text) in last],
        }

    def test(self, group: str, language: Language) -> tuple[str, str]:
        """Subject and text of a test."""
        say = PHRASES[language]
        foot = say["foot_digest"].format(fleet=self._fleet, group=group, zone=self._zone.key)
        text = "\n".join([say["test_text"].format(group=group), "", "-- ", foot, ""])
        return f"{say['test']}: {self._fleet}", text

    def test_data(self, group: str) -> dict[str, Any]:
        """The same for a program."""
        return {"type": Kind.TEST.value, "fleet": self._fleet, "group": group}

    def _priority(self, severity: int, language: Language) -> str:
        return PRIORITIES[language][max(bisect_right(self._lowest, severity) - 1, 0)]

    def _head(
        self, alert: Alert, kind: Kind, listed: Sequence[Member], language: Language, minutes: float
    ) -> str:
        key = {
            Kind.ESCALATION: "head_escalation",
            Kind.ACKNOWLEDGED: "head_acknowledged",
            Kind.ALL_CLEAR: "head_all_clear",
        }.get(kind, "head_one" if len(listed) == 1 else "head")
        severity = max(member.worst for member in listed)
        users = sorted({member.notice.user for member in listed if member.notice.user})
        mark = PHRASES[language]["simulation"] if alert.simulated else ""
        return mark + PHRASES[language][key].format(
            site=alert.site,
            n=len(listed),
            severity=severity,
            priority=self._priority(severity, language),
            minutes=f"{minutes:.0f}",
            user=plain(", ".join(users), LONGEST_TITLE) or "?",
        )

    def _first(self, alert: Alert, language: Language) -> str:
        member = alert.members.get(alert.first)
        if member is None:
            return ""
        notice = member.notice
        began = self._time(alert.began / _MICROSECONDS)
        return PHRASES[language]["first"].format(
            what=plain(f"{notice.source} {notice.title}", LONGEST_LINE), time=began
        )

    def _line(self, member: Member, language: Language) -> str:
        say, notice = PHRASES[language], member.notice
        over = say["over"].format(time=self._time(notice.active_time / _MICROSECONDS))
        state = "" if notice.active else over
        if notice.quiet:
            state += say["quiet"]
        elif notice.acked and notice.active:
            state += say["acked"].format(user=plain(notice.user, LONGEST_TITLE) or "?")
        line = say["line"].format(
            time=self._time(member.began / _MICROSECONDS),
            severity=member.worst,
            source=notice.source,
            name=notice.name,
            message=plain(notice.message, LONGEST_LINE),
        )
        return line + state

    def _now(self, alert: Alert, kind: Kind, language: Language) -> str:
        say, waiting = PHRASES[language], _waiting(alert)
        if kind is Kind.ALL_CLEAR:
            return say["still"].format(n=waiting) if waiting else ""
        return say["now"].format(active=len(alert.active), waiting=waiting)

    def _alarm(self, member: Member) -> dict[str, Any]:
        notice = member.notice
        return {
            "condition": notice.condition,
            "source": notice.source,
            "name": notice.name,
            "class": notice.kind,
            "severity": member.worst,
            "time": self._iso(notice.time),
            "active": notice.active,
            "began": self._iso(member.began),
            "acknowledged": notice.acked,
            "event_id": notice.event_id,
            "message": plain(notice.message, LONGEST_LINE),
            "advice": plain(notice.advice, LONGEST_ADVICE),
            "user": plain(notice.user, LONGEST_TITLE),
        }

    def _time(self, seconds: float) -> str:
        return f"{dt.datetime.fromtimestamp(seconds, self._zone):%Y-%m-%d %H:%M:%S}"

    def _iso(self, microseconds: int) -> str:
        moment = dt.datetime.fromtimestamp(microseconds / _MICROSECONDS, dt.UTC)
        return moment.isoformat(timespec="milliseconds")


def _waiting(alert: Alert) -> int:
    return sum(member.notice.waits for member in alert.members.values())
