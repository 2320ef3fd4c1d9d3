"""HistoryUpdate (Part 4, 5.11.5; Part 11, 6.9): people correct values, and annotate them.

Each node's changes are one transaction with a result of their own, and an entry in the audit trail whether
done or refused. What of a node's values cannot be done is told value by value; the others are done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog
from asyncua import ua

from historian.errors import HistorianError
from server.errors import ServiceError
from server.history.nodes import HistorisedNodes
from server.history.reading import HistoryNode, NodeKind
from server.history.updateaudit import UpdateAudit
from server.history.updatedetails import (
    DeleteRange,
    DeleteTimes,
    Details,
    Refused,
    UpdateValues,
    update_details,
)
from server.protocol.dispatch import Call, Dispatcher
from server.protocol.sessions import Session
from server.protocol.wire import I32, U32, response_header, u32_array
from server.security.permissions import Permission, Permissions

log = structlog.get_logger(__name__)

S = ua.StatusCodes
Action = ua.PerformUpdateType

_RESPONSE: Final = int(ua.ObjectIds.HistoryUpdateResponse_Encoding_DefaultBinary)
_NONE: Final = b"\xff\xff\xff\xff"
_NEEDED: Final[dict[int, Permission]] = {
    Action.Insert: Permission.INSERT_HISTORY,
    Action.Replace: Permission.MODIFY_HISTORY,
    Action.Update: Permission.INSERT_HISTORY | Permission.MODIFY_HISTORY,
    Action.Remove: Permission.DELETE_HISTORY,
}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of the changes of a node: StatusCodes, and the structures that were there before."""

    status: int
    codes: list[int] = field(default_factory=list)
    old: list[Any] = field(default_factory=list)


class HistoryWriter(Protocol):
    """Changes the history of one kind of nodes; a `ServiceError` is the node's result."""

    async def change(self, session: Session, node: HistoryNode, details: Any) -> Result:
        """Do what `details` say, which the session may."""


class HistoryUpdateService:
    """Answers HistoryUpdate."""

    def __init__(self, nodes: HistorisedNodes, permissions: Permissions, audit: UpdateAudit) -> None:
        self._nodes = nodes
        self._permissions = permissions
        self._audit = audit
        self._writers: dict[NodeKind, HistoryWriter] = {}

    def serve(self, kind: NodeKind, writer: HistoryWriter) -> None:
        """Have changes of a kind of nodes done by `writer`."""
        self._writers[kind] = writer

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service."""
        dispatcher.serve(ua.HistoryUpdateRequest, self._update)

    async def _update(self, call: Call) -> bytes:
        results = []
        for details in await update_details(call):
            if call.owner.closed:
                raise ServiceError(S.BadSessionClosed)
            result = await self._result(call.owner, details)
            self._audit.tell(call, details, result.status, result.codes, result.old)
            results.append(b"".join((U32.pack(result.status), u32_array(result.codes), _NONE)))
        header = response_header(_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(results)), *results, _NONE))

    async def _result(self, session: Session, details: Details) -> Result:
        try:
            return await self._change(session, details)
        except ServiceError as error:
            return Result(error.code)
        except TimeoutError:
            return Result(int(S.BadTimeout))
        except HistorianError as error:
            log.warning("history cannot be changed", reason=str(error))
            return Result(int(S.BadResourceUnavailable))

    async def _change(self, session: Session, details: Details) -> Result:
        if isinstance(details, Refused):
            raise ServiceError(details.code)
        node = self._nodes.find(details.node_id)
        writer = self._writers.get(node.kind)
        if writer is None:
            raise ServiceError(S.BadHistoryOperationUnsupported)
        needed = _needed(details)
        refused = self._permissions.refusal(self._permissions.profile(node.node_id), session, needed)
        if refused:
            raise ServiceError(refused)
        return await writer.change(session, node, details)


def _needed(details: UpdateValues | DeleteRange | DeleteTimes) -> Permission:
    """The permission that a change takes (Part 3, 8.55); raises `ServiceError` where it makes no sense."""
    if not isinstance(details, UpdateValues):
        return Permission.DELETE_HISTORY
    found = _NEEDED.get(details.action)
    if found is None or not details.values:
        raise ServiceError(S.BadInvalidArgument)
    return found
