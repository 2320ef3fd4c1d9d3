"""An alert: the conditions of one site that one rule tells, from the first activation until all is well.

What is told of it stands in one thread of messages. Times are in s since 1970 of this machine's clock, as
waiting is about people; those of conditions are the plant's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from server.notify.notice import Incident, Notice, from_list, to_list


class News(StrEnum):
    """What of a condition has not been told yet."""

    NONE = ""
    ACTIVATED = "activated"
    WORSENED = "worsened"


@dataclass(slots=True)
class Member:
    """A condition, as it was heard of last; `worst` is its highest severity since it `began` [µs]."""

    notice: Notice
    news: News
    worst: int
    began: int


@dataclass(slots=True)
class Alert:
    """One alert; `told` are the groups that have had a message, in that order."""

    id: str
    rule: str
    site: str
    simulated: bool
    opened: float
    first: str = ""  # the condition that began it, at `began` [µs]
    began: int = 0
    send_at: float | None = None  # when there is something to say
    told: list[str] = field(default_factory=list)
    messages: int = 0
    clear_told: bool = False
    acked_told: bool = True
    waits_since: float | None = None  # since when it has been told and not acknowledged
    step: int = 0  # escalations so far
    members: dict[str, Member] = field(default_factory=dict)
    incident: Incident | None = None  # that it is part of, as far as is known

    @property
    def news(self) -> list[Member]:
        """What is to be told, the worst first."""
        return worst_first(each for each in self.members.values() if each.news and not each.notice.quiet)

    @property
    def active(self) -> list[Member]:
        """Those that are active now."""
        return [member for member in self.members.values() if member.notice.active]

    @property
    def waiting(self) -> list[Member]:
        """Those that were told and that nobody has acknowledged, the worst first."""
        return worst_first(each for each in self.members.values() if not each.news and each.notice.waits)

    @property
    def waits(self) -> bool:
        """Whether there are such."""
        return any(each.notice.waits and not each.news for each in self.members.values())

    @property
    def acked(self) -> bool:
        """Whether nobody has anything to acknowledge."""
        return not any(member.notice.waits for member in self.members.values())

    def to_json(self) -> str:
        """All but the members, and what may be asked again."""
        return json.dumps({name: getattr(self, name) for name in _KEPT})


def worst_first(members: Iterable[Member]) -> list[Member]:
    """By severity, those that began first before others."""
    return sorted(members, key=lambda each: (-each.worst, each.began, each.notice.condition))


_KEPT = tuple(f.name for f in fields(Alert) if f.name not in ("members", "incident"))


def alert_from_json(text: str) -> Alert:
    """What `to_json` gave; ValueError or TypeError: not from it."""
    return Alert(**json.loads(text))


def member_to_list(member: Member) -> list[Any]:
    """Plain values, for JSON."""
    return [to_list(member.notice), member.news.value, member.worst, member.began]


def member_from_list(values: list[Any]) -> Member:
    """What `member_to_list` gave; ValueError or TypeError: not from it."""
    notice, news, worst, began = values
    return Member(from_list(notice), News(news), int(worst), int(began))
