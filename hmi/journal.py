"""The journal: events as the server's historian kept them, by HistoryRead of events (Part 11, 6.5.2).

`Question` is what a browser asks for; the newest come first. What is asked goes to the server as an event
filter, so that only what is shown comes over the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.events import TESTING, clause, condition_id, milliseconds, text
from hmi.history import TIMEOUT, read_history, time_of
from hmi.timelimit import time_limit
from hmi.topology import FLEET, Topology

MOST: Final = 500  # events of an answer
FIELDS: Final = (
    "EventId",
    "SourceName",
    "Time",
    "Message",
    "Severity",
    "ConditionName",
    "ActiveState/Id",
    "AckedState/Id",
    "Comment",
    "ClientUserId",
    "ConditionSubClassId",
)
_MILLISECOND: Final = 1000
_NOTIFIERS: Final = 3  # of the parts of a path: a jar's events are told by its string
_Op = ua.FilterOperator


@dataclass(frozen=True)
class Question:
    """Which events; empty means any. `start` and `end` in ms since 1970, and of these only the newest `most`.

    `path` is a part of the fleet, whose parts are meant too; `condition` one condition; `words` stand in the
    message; `alarms` asks for events of conditions alone, `own` for those of the part itself.
    """

    start: int
    end: int
    path: str = ""
    condition: str = ""
    words: str = ""
    severity: int = 0
    alarms: bool = False
    own: bool = False
    most: int = MOST

    @property
    def source(self) -> str:
        """The asset that is meant."""
        return self.condition.partition("#")[0] or self.path


def question(sent: Mapping[str, str], now: int) -> Question | None:
    """The question of a browser, None where it is none; `now` [ms] is where it ends unless it says."""
    try:
        end = int(sent.get("to", now))
        start, severity = int(sent.get("from", 0)), int(sent.get("severity", 0))
        most = min(max(int(sent.get("most", MOST)), 1), MOST)
        time_of(max(abs(start), abs(end)) * _MILLISECOND)
    except (ValueError, OverflowError):
        return None
    if not 0 <= start <= end or not 0 <= severity <= 1000:
        return None
    path, condition, words = (sent.get(key, "") for key in ("path", "condition", "words"))
    return Question(start, end, path, condition, words, severity, sent.get("alarms") == "1", most=most)


async def read(client: Client, topology: Topology, asked: Question) -> list[dict[str, Any]]:
    """The events, newest first, for the browser."""
    details = ua.ReadEventDetails(
        NumValuesPerNode=asked.most,
        StartTime=time_of(asked.end * _MILLISECOND),  # the later one first: backwards
        EndTime=time_of(asked.start * _MILLISECOND),
        Filter=event_filter(asked),
    )
    found: list[dict[str, Any]] = []
    point: bytes | None = None
    async with time_limit(TIMEOUT):
        while len(found) < asked.most:
            node = ua.HistoryReadValueId(NodeId=notifier(topology, asked), ContinuationPoint=point)
            (result,) = await read_history(client, details, [node])
            events = getattr(result.HistoryData, "Events", None) or ()
            found += [_event([field.Value for field in event.EventFields]) for event in events]
            point = result.ContinuationPoint
            if not point:
                return found
        node = ua.HistoryReadValueId(NodeId=notifier(topology, asked), ContinuationPoint=point)
        await read_history(client, details, [node], release=True)
    return found[: asked.most]


def notifier(topology: Topology, asked: Question) -> ua.NodeId:
    """The object that tells what is asked for: the fleet's own conditions come from the fleet."""
    source = asked.source
    if not source:
        return ua.NodeId(ua.ObjectIds.Server)
    return topology.node(FLEET if source == FLEET else "/".join(source.split("/")[:_NOTIFIERS]))


def event_filter(asked: Question) -> ua.EventFilter:
    """Fields, and the where clause that says what is asked for."""
    made = ua.EventFilter(SelectClauses=[*(clause(field) for field in FIELDS), condition_id()])
    wanted: list[tuple[ua.FilterOperator, list[Any]]] = []
    if asked.alarms or asked.condition:
        kind = ua.NodeId(ua.ObjectIds.ConditionType)
        wanted.append((_Op.OfType, [_literal(kind, ua.VariantType.NodeId)]))
    if asked.severity:
        severity = _literal(asked.severity, ua.VariantType.UInt16)
        wanted.append((_Op.GreaterThanOrEqual, [clause("Severity"), severity]))
    if asked.own or asked.source.count("/") >= _NOTIFIERS or asked.condition:
        wanted.append((_Op.Equals, [clause("SourceName"), _text(asked.source)]))
    if asked.condition:
        name = asked.condition.partition("#")[2]
        wanted.append((_Op.Equals, [clause("ConditionName"), _text(name)]))
    if asked.words:
        wanted.append((_Op.Like, [clause("Message"), _text(f"%{escaped(asked.words)}%")]))
    made.WhereClause.Elements = all_of(wanted)
    return made


def all_of(wanted: list[tuple[ua.FilterOperator, list[Any]]]) -> list[ua.ContentFilterElement]:
    """Elements of which every one has to hold: a chain of And, each of one element and the next And."""
    ands = max(len(wanted) - 1, 0)
    chain = [
        ua.ContentFilterElement(_Op.And, [ua.ElementOperand(ands + i), ua.ElementOperand(i + 1)])
        for i in range(ands)
    ]
    if chain:  # the last And joins the last two
        chain[-1].FilterOperands[1] = ua.ElementOperand(2 * ands)
    return chain + [ua.ContentFilterElement(operator, operands) for operator, operands in wanted]


def escaped(words: str) -> str:
    """Words in which no character is a pattern of Like (Part 4, 7.7.3)."""
    return "".join(f"\\{c}" if c in "%_[]\\" else c for c in words)


def _literal(value: Any, kind: ua.VariantType) -> ua.LiteralOperand:
    return ua.LiteralOperand(ua.Variant(value, kind))


def _text(value: str) -> ua.LiteralOperand:
    return _literal(value, ua.VariantType.String)


def _event(values: list[Any]) -> dict[str, Any]:
    field = dict(zip((*FIELDS, "ConditionId"), values, strict=True))
    condition = field["ConditionId"]
    return {
        "id": (field["EventId"] or b"").hex(),
        "condition": str(condition.Identifier) if condition is not None else "",
        "source": field["SourceName"] or "",
        "name": field["ConditionName"] or "",
        "time": milliseconds(field["Time"]),
        "message": text(field["Message"]),
        "severity": int(field["Severity"] or 0),
        "active": field["ActiveState/Id"],
        "acknowledged": field["AckedState/Id"],
        "comment": text(field["Comment"]),
        "user": field["ClientUserId"] or "",
        "simulated": TESTING in (field["ConditionSubClassId"] or ()),
    }
