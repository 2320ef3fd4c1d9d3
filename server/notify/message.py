"""A message to a group, before it becomes mails and requests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a message is about."""

    ALARM = "alarm"
    UPDATE = "update"  # more of the same alert
    ESCALATION = "escalation"
    ACKNOWLEDGED = "acknowledged"
    ALL_CLEAR = "all_clear"
    DIGEST = "digest"
    TEST = "test"


@dataclass(frozen=True)
class Message:
    """`id` is the same however often it is sent; messages of one `thread` belong together."""

    id: str
    kind: Kind
    group: str
    thread: str
    created: float  # s since 1970
    severity: int
    subject: str
    text: str
    data: dict[str, Any]  # for a program
