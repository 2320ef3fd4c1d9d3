"""Events as OPC UA sees them: a type, a source, and fields by browse path.

A field that an event does not have is a null Variant (Part 4, 7.22.3). `PlainEvent` is for what is not a
condition; events of conditions are in `server.alarms.events`.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, Protocol

from asyncua import ua

from server.protocol.stack import variant_to_binary

Path = tuple[str, ...]
Type = ua.VariantType

NULL: Final = ua.Variant()
ENCODED_NULL: Final = b"\x00"
TRUE: Final = ua.Variant(True, Type.Boolean)
FALSE: Final = ua.Variant(False, Type.Boolean)
LOCALE: Final = "en"
SERVER: Final = ua.NodeId(ua.ObjectIds.Server)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_REFRESH_SEVERITY: Final = 100


class Event(Protocol):
    """Something that happened; it never changes."""

    @property
    def type(self) -> ua.NodeId:
        """NodeId of the event's type."""

    @property
    def source(self) -> str:
        """Path of the asset that it comes from; empty for the server itself."""

    def value(self, path: Path) -> ua.Variant:
        """Value of a field, by the names of its browse path in namespace 0."""

    def attribute(self, attribute: int) -> ua.Variant:
        """An attribute of the instance itself (an empty browse path): NodeId gives the ConditionId."""

    def member(self, path: Path) -> ua.Variant:
        """NodeId of an object that is part of the instance; null where it has none at that path."""

    def encoded(self, path: Path) -> bytes:
        """Value of a field as it goes over the wire."""

    def encoded_attribute(self, attribute: int) -> bytes:
        """An attribute as it goes over the wire."""


def text(value: str) -> ua.Variant:
    """A LocalizedText in Voltkeep's language."""
    return ua.Variant(ua.LocalizedText(value, LOCALE), Type.LocalizedText)


def date(time: int) -> ua.Variant:
    """A DateTime from µs since 1970; null for 0, never."""
    return ua.Variant(_EPOCH + dt.timedelta(microseconds=time), Type.DateTime) if time else NULL


def string(value: str) -> ua.Variant:
    """A String."""
    return ua.Variant(value, Type.String)


def node_id(value: ua.NodeId) -> ua.Variant:
    """A NodeId."""
    return ua.Variant(value, Type.NodeId)


@lru_cache(maxsize=1001)
def severity(value: int) -> ua.Variant:
    """A Severity, 1 to 1000 (Part 5, 6.4.2)."""
    return ua.Variant(value, Type.UInt16)


@dataclass(frozen=True)
class PlainEvent:
    """An event with the fields of BaseEventType, and `more` by path; `time` is in µs since 1970."""

    type: ua.NodeId
    time: int
    message: str
    level: int
    source: str = ""
    source_node: ua.NodeId = SERVER
    more: Mapping[Path, ua.Variant] = field(default_factory=dict)
    event_id: bytes = field(default_factory=lambda: os.urandom(16))
    simulated: bool = False

    def value(self, path: Path) -> ua.Variant:
        """Value of a field."""
        return self._fields.get(path, NULL)

    def attribute(self, attribute: int) -> ua.Variant:
        """A plain event is no instance: it has no attributes."""
        return NULL

    def member(self, path: Path) -> ua.Variant:
        """Nor objects."""
        return NULL

    def encoded(self, path: Path) -> bytes:
        """Value of a field as it goes over the wire."""
        return bytes(variant_to_binary(self.value(path)))

    def encoded_attribute(self, attribute: int) -> bytes:
        """None of them."""
        return ENCODED_NULL

    @cached_property
    def _fields(self) -> dict[Path, ua.Variant]:
        return {
            ("EventId",): ua.Variant(self.event_id, Type.ByteString),
            ("EventType",): node_id(self.type),
            ("SourceNode",): node_id(self.source_node),
            ("SourceName",): string(self.source or "Server"),
            ("Time",): date(self.time),
            ("ReceiveTime",): date(self.time),
            ("Message",): text(self.message),
            ("Severity",): severity(self.level),
            **self.more,
        }


def refresh_start(time: int) -> PlainEvent:
    """RefreshStartEventType: what follows is the answer to ConditionRefresh (Part 9, 5.11.2)."""
    kind = ua.NodeId(ua.ObjectIds.RefreshStartEventType)
    return PlainEvent(kind, time, "Refresh of conditions starts", _REFRESH_SEVERITY)


def refresh_end(time: int) -> PlainEvent:
    """RefreshEndEventType: every retained condition was told (Part 9, 5.11.3)."""
    kind = ua.NodeId(ua.ObjectIds.RefreshEndEventType)
    return PlainEvent(kind, time, "Refresh of conditions ends", _REFRESH_SEVERITY)


def queue_overflow(time: int) -> PlainEvent:
    """EventQueueOverflowEventType: events of a monitored item were lost (Part 5, 6.4.27)."""
    kind = ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType)
    return PlainEvent(kind, time, "Events were lost: the queue is full", _REFRESH_SEVERITY)


def system_event(time: int, message: str, level: int) -> PlainEvent:
    """SystemEventType: something about the server itself (Part 5, 6.4.28)."""
    return PlainEvent(ua.NodeId(ua.ObjectIds.SystemEventType), time, message, level)
