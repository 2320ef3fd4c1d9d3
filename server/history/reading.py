"""What HistoryRead and the readers of one kind of history agree on (Part 11, 6.5).

The service finds out which operation is asked of which kind of node, and asks the reader that serves both:
`check` once for the details, `terms` for each node, and `read` for a page of its history.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from asyncua import ua

from server.errors import ServiceError
from server.protocol.sessions import Session
from server.protocol.wire import EPOCH

S = ua.StatusCodes
_BEGINNING: Final = 0


class Operation(Enum):
    """What HistoryReadDetails ask for."""

    RAW = "raw"
    MODIFIED = "modified"
    AT_TIME = "at time"
    PROCESSED = "processed"
    EVENTS = "events"
    ANNOTATIONS = "annotations"  # ReadAnnotationDataDetails: those of values at given times


class NodeKind(Enum):
    """What a node has a history of."""

    VARIABLE = "variable"
    ANNOTATIONS = "annotations"  # the property of a historised variable (Part 11, 5.1.2)
    NOTIFIER = "notifier"


@dataclass(frozen=True, slots=True)
class HistoryNode:
    """A node with a history; `row` is that of the variable, or of the variable that is annotated."""

    node_id: ua.NodeId
    kind: NodeKind
    row: int = -1


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a node's history: `body` is an encoded ExtensionObject.

    `rest` says to the reader that made it where the history goes on; None at the end.
    """

    status: int
    body: bytes
    rest: Any = None


class HistoryReader(Protocol):
    """Reads one kind of history. What it raises as `ServiceError` from `check` refuses the request.

    `empty` is the encoded ExtensionObject of a page without values.
    """

    @property
    def empty(self) -> bytes:
        """See above."""

    def check(self, details: Any, nodes: int) -> None:
        """Refuse details that make no sense, whatever the nodes are."""

    def terms(self, details: Any, place: int, node: HistoryNode) -> Hashable:
        """What is asked of the node at `place` of the request; a `ServiceError` is that node's result.

        A continuation point goes on only where the terms equal those under which it was given.
        """

    async def read(self, session: Session, node: HistoryNode, terms: Any, rest: Any, share: int) -> Page:
        """A page of at most `share` values, from the beginning where `rest` is None."""


def operation_of(details: Any) -> Operation:
    """The operation that details ask for; Bad_HistoryOperationUnsupported for others."""
    kind: type[Any] = type(details)
    if issubclass(kind, ua.ReadRawModifiedDetails):
        return Operation.MODIFIED if details.IsReadModified else Operation.RAW
    found = _OPERATIONS.get(kind)
    if found is None:
        raise ServiceError(S.BadHistoryOperationUnsupported)
    return found


_OPERATIONS: Final[dict[type[Any], Operation]] = {
    ua.ReadAtTimeDetails: Operation.AT_TIME,
    ua.ReadProcessedDetails: Operation.PROCESSED,
    ua.ReadEventDetails: Operation.EVENTS,
    ua.ReadAnnotationDataDetails: Operation.ANNOTATIONS,
}


def microseconds(moment: Any) -> int | None:
    """µs since 1970, or None for DateTime.MinValue: not given."""
    if moment is None:
        return None
    ticks = int(ua.datetime_to_win_epoch(moment))
    return None if ticks <= _BEGINNING else (ticks - EPOCH) // 10
