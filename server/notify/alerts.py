"""What is told to whom: notices of conditions become alerts, and these messages (A9); no I/O, no clock.

A notice says how a condition is, so a lost one costs nothing: what it meant is seen from the next. Alarms of
one site are gathered for a moment and go as one message; later ones of the same alert follow in its thread,
and so do escalations and the all-clear. Branches are left out: their condition's own state is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from config.notifyfile import HOLD, NotifyFile, Rule
from server.notify.alert import Alert, Member, News, worst_first
from server.notify.escalation import escalate, next_step
from server.notify.flow import Flow
from server.notify.hours import Hours
from server.notify.message import Kind, Message
from server.notify.notice import Incident, Notice
from server.notify.rules import Rules
from server.notify.wording import Wording

_MINUTE: Final = 60.0


class Key(NamedTuple):
    """What makes notices one alert."""

    rule: str
    site: str
    simulated: bool


@dataclass
class Changes:
    """What must be kept: alerts (None: gone) and their members by condition, and flows as JSON."""

    alerts: dict[str, str | None] = field(default_factory=dict)
    members: dict[tuple[str, str], Member | None] = field(default_factory=dict)
    flows: dict[str, str] = field(default_factory=dict)


class Alerts:
    """All alerts that are open, and what is held back; times in s since 1970."""

    def __init__(
        self,
        file: NotifyFile,
        hours: dict[str, Hours],
        wording: Wording,
        new_id: Callable[[], str],
    ) -> None:
        self.rules = Rules(file.rules)
        self.flows = {name: Flow(group.limit) for name, group in file.groups.items()}
        self._file = file
        self._hours = hours
        self._wording = wording
        self._new_id = new_id
        self._open: dict[Key, Alert] = {}
        self._of_site: dict[tuple[str, bool], dict[str, Alert]] = {}
        self._changes = Changes()
        # The open incident of a condition, by the condition's name.
        self.incident_of: Callable[[str], Incident | None] = lambda _condition: None

    def __len__(self) -> int:
        return len(self._open)

    # -- conditions

    def take(self, notice: Notice, now: float) -> None:
        """A condition told how it is."""
        telling = self.rules.matching(notice) if notice.active and not notice.quiet else []
        names = {rule.name for rule in telling}
        for alert in self._of_site.get((notice.site, notice.simulated), {}).values():
            member = alert.members.get(notice.condition)
            if member is not None:
                self._update(alert, member, notice, alert.rule in names, now)
        for rule in telling:
            alert = self._alert(Key(rule.name, notice.site, notice.simulated), now)
            if notice.condition not in alert.members:
                alert.members[notice.condition] = Member(
                    notice, News.ACTIVATED, notice.severity, notice.active_time
                )
                self._noted(alert, notice, now)

    def reconcile(self, retained: Iterable[Notice], heard: int, now: float) -> None:
        """After a time without ears, from what all conditions of interest say now.

        `heard` is the number of the last event that was taken: what began later is news.
        """
        there = {notice.condition: notice for notice in retained}
        for notice in there.values():
            known = any(
                notice.condition in alert.members
                for alert in self._of_site.get((notice.site, False), {}).values()
            )
            if known or (notice.number > heard and not notice.acked):
                self.take(notice, now)
        for alert in list(self._open.values()):
            for condition, member in alert.members.items():
                if alert.simulated or condition not in there:
                    over = replace(member.notice, active=False, acked=True)
                    self._update(alert, member, over, False, now)

    def _alert(self, key: Key, now: float) -> Alert:
        alert = self._open.get(key)
        if alert is None:
            alert = Alert(self._new_id(), *key, opened=now)
            self.add(alert)
        return alert

    def add(self, alert: Alert) -> None:
        """An alert that is open, as it was kept; one of a rule that is no more is forgotten."""
        if alert.rule not in self.rules.by_name:
            self._changes.alerts[alert.id] = None
            return
        self._open[Key(alert.rule, alert.site, alert.simulated)] = alert
        self._of_site.setdefault((alert.site, alert.simulated), {})[alert.id] = alert

    def _update(self, alert: Alert, member: Member, notice: Notice, telling: bool, now: float) -> None:
        if notice.number < member.notice.number and not notice.simulated:
            return  # it was asked meanwhile, and knows better
        member.notice = notice
        if telling:
            again = notice.active_time != member.began
            worse = notice.severity > member.worst and "worsened" in self._rule(alert).tell
            if again:
                member.news, member.worst, member.began = News.ACTIVATED, 1, notice.active_time
            elif worse and not member.news:
                member.news = News.WORSENED
            member.worst = max(member.worst, notice.severity)
        self._noted(alert, notice, now)

    def _noted(self, alert: Alert, notice: Notice, now: float) -> None:
        """Keep it, and see that it is told in a moment."""
        self._touch(alert, notice.condition)
        member = alert.members[notice.condition]
        if member.news:
            if not alert.first or alert.clear_told:
                alert.first, alert.began = notice.condition, member.began
            alert.clear_told = alert.acked_told = False
        if alert.send_at is None:
            alert.send_at = now + self._file.gather

    # -- messages

    def due(self, now: float) -> Iterator[list[Message]]:
        """What is to be sent now, an alert at a time, as one of thousands of conditions takes a moment."""
        for key, alert in list(self._open.items()):
            yield self._due(key, alert, now)
        yield self._digests(now)

    def _due(self, key: Key, alert: Alert, now: float) -> list[Message]:
        rule, messages = self._rule(alert), []
        if alert.send_at is not None and alert.send_at <= now:
            self._touch(alert)
            messages = self._admitted(self._speak(alert, rule, now), now)
        if rule.escalate:
            messages += self._escalations(alert, rule, now)
        if self._is_over(alert, rule):
            self._forget(key, alert)
        return messages

    def next(self) -> float:
        """When `due` has something to do next, inf for never."""
        times = [flow.due for flow in self.flows.values()]
        for alert in self._open.values():
            times.append(math.inf if alert.send_at is None else alert.send_at)
            times.append(next_step(alert, self._rule(alert)))
        return min(times, default=math.inf)

    def changes(self) -> Changes:
        """What must be kept since the last time that this was asked."""
        changes, self._changes = self._changes, Changes()
        for alert in self._open.values():
            if alert.id in changes.alerts:
                changes.alerts[alert.id] = alert.to_json()
        return changes

    def test(self, group: str, now: float) -> Message:
        """A message that shows whether the group can be reached; KeyError: no such group."""
        subject, text = self._wording.test(group, self._file.groups[group].language)
        thread, data = f"test-{self._new_id()}", self._wording.test_data(group)
        return Message(thread, Kind.TEST, group, thread, now, 1, subject, text, data)

    def _speak(self, alert: Alert, rule: Rule, now: float) -> list[Message]:
        """What there is to say of an alert, unless it has to wait until somebody is there."""
        group, opens = rule.to, now
        if rule.schedule is not None:
            opens = self._hours[rule.schedule].opens(now)
        if opens > now and rule.otherwise == HOLD:
            alert.send_at = opens
            return []
        alert.send_at = None
        return self._news(alert, rule, group if opens == now else rule.otherwise, now) or self._ends(
            alert, rule, now
        )

    def _news(self, alert: Alert, rule: Rule, group: str, now: float) -> list[Message]:
        news = alert.news
        if not news:
            return []
        for member in news:
            member.news = News.NONE
            self._touch(alert, member.notice.condition)
        alert.clear_told = not alert.active  # it is in the message
        if "activated" not in rule.tell:
            return []
        return [self._message(alert, Kind.UPDATE if alert.told else Kind.ALARM, group, news, now)]

    def _ends(self, alert: Alert, rule: Rule, now: float) -> list[Message]:
        """All clear, or all acknowledged."""
        told = list(alert.told)
        everything = worst_first(alert.members.values())
        if not alert.active and not alert.clear_told:
            alert.clear_told = alert.acked_told = True
            kind = Kind.ALL_CLEAR
            wanted = "cleared" in rule.tell
        elif alert.acked and alert.active and not alert.acked_told:
            alert.acked_told = True
            kind = Kind.ACKNOWLEDGED
            wanted = "acknowledged" in rule.tell
        else:
            return []
        messages = [self._message(alert, kind, group, everything, now) for group in told] if wanted else []
        if kind is Kind.ALL_CLEAR:
            self._drop_settled(alert)
        return messages

    def _drop_settled(self, alert: Alert) -> None:
        """What is over and acknowledged is no part of what may follow."""
        for condition, member in list(alert.members.items()):
            if not member.notice.active and member.notice.acked:
                del alert.members[condition]
                self._changes.members[alert.id, condition] = None

    def _escalations(self, alert: Alert, rule: Rule, now: float) -> list[Message]:
        before, messages = (alert.waits_since, alert.step), []
        steps = escalate(alert, rule, now)
        if before != (alert.waits_since, alert.step):
            self._touch(alert)
        for step in steps:
            self.flows[step.to].count(now)  # they are told in any case, and count
            self._changes.flows[step.to] = self.flows[step.to].to_json()
            messages.append(
                self._message(alert, Kind.ESCALATION, step.to, alert.waiting, now, minutes=step.after)
            )
        return messages

    def _message(
        self,
        alert: Alert,
        kind: Kind,
        group: str,
        listed: Sequence[Member],
        now: float,
        minutes: float = 0,
    ) -> Message:
        alert.messages += 1
        if not alert.simulated:
            alert.incident = self.incident_of(alert.first) or alert.incident
        if group not in alert.told:
            alert.told.append(group)
        language = self._file.groups[group].language
        return Message(
            f"{alert.id}.{alert.messages}",
            kind,
            group,
            alert.id,
            now,
            max(member.worst for member in listed),
            self._wording.subject(alert, kind, listed, language),
            self._wording.text(alert, kind, listed, group, language, minutes),
            self._wording.data(alert, kind, listed, group),
        )

    def _admitted(self, messages: list[Message], now: float) -> list[Message]:
        """Those that the limit of their group lets go now."""
        admitted = []
        for message in messages:
            flow = self.flows[message.group]
            if flow.admit(message, now):
                admitted.append(message)
            self._changes.flows[message.group] = flow.to_json()
        return admitted

    def _digests(self, now: float) -> list[Message]:
        messages = []
        for name, flow in self.flows.items():
            held = flow.release(now)
            if held is None:
                continue
            self._changes.flows[name] = flow.to_json()
            group, thread = self._file.groups[name], f"digest-{self._new_id()}"
            subject, text = self._wording.digest(held, group.limit, name, group.language)
            data = self._wording.digest_data(held, name)
            messages.append(
                Message(thread, Kind.DIGEST, name, thread, now, held.severity, subject, text, data)
            )
        return messages

    # -- the end

    def _is_over(self, alert: Alert, rule: Rule) -> bool:
        """Whether nothing is left to say: it may be unacknowledged, but there is nobody left to tell."""
        if alert.active or alert.send_at is not None:
            return False
        return not alert.waits or alert.step >= len(rule.escalate)

    def _forget(self, key: Key, alert: Alert) -> None:
        del self._open[key]
        del self._of_site[alert.site, alert.simulated][alert.id]
        self._changes.alerts[alert.id] = None

    def _rule(self, alert: Alert) -> Rule:
        return self.rules.by_name[alert.rule]

    def _touch(self, alert: Alert, condition: str | None = None) -> None:
        self._changes.alerts.setdefault(alert.id, "")
        if condition is not None:
            self._changes.members[alert.id, condition] = alert.members[condition]


def hours_of(file: NotifyFile, zone: Any) -> dict[str, Hours]:
    """The schedules of the file in its time zone."""
    return {name: Hours(schedule, zone) for name, schedule in file.schedules.items()}
