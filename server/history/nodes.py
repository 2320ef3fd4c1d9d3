"""The nodes that have a history: variables, their Annotations properties, and notifiers."""

from __future__ import annotations

from typing import Final

from asyncua import ua

from nodeset.index import TagIndex
from server.errors import ServiceError
from server.history.reading import HistoryNode, NodeKind
from server.security.permissions import Profile
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.nodes import A
from server.space.rowparser import RowParser

S = ua.StatusCodes

ANNOTATIONS: Final = ".Annotations"  # what comes behind a variable's identifier in that of the property


class HistorisedNodes:
    """Finds nodes with a history by their NodeIds."""

    def __init__(self, space: AddressSpace, parser: RowParser, index: TagIndex) -> None:
        self._space = space
        self._parser = parser
        self._index = index

    def profile(self, node_id: ua.NodeId) -> Profile | None:
        """The profile of a variable whose history people correct, and of its Annotations; None for others."""
        row = self._parser.row(node_id)
        if row is not None:
            return None if self._index.is_mirror(row) else Profile.LIVE
        return None if self._annotated(node_id) is None else Profile.ANNOTATIONS

    def find(self, node_id: ua.NodeId) -> HistoryNode:
        """The node; raises `ServiceError` for one that does not exist or has no history."""
        row = self._parser.row(node_id)
        if row is not None:
            return HistoryNode(self._parser.node_id(row), NodeKind.VARIABLE, row)
        known = self._space.get(node_id)
        if known is None:
            raise ServiceError(S.BadNodeIdUnknown)
        row = self._annotated(node_id)
        if row is not None:
            return HistoryNode(node_id, NodeKind.ANNOTATIONS, row)
        notifier = known.attributes.get(A.EventNotifier)
        if notifier is not None and notifier.value.Value.Value & nodes.HISTORY_READABLE:
            return HistoryNode(node_id, NodeKind.NOTIFIER)
        raise ServiceError(S.BadHistoryOperationUnsupported)

    def _annotated(self, node_id: ua.NodeId) -> int | None:
        """The row of the variable whose Annotations a node would be."""
        identifier = node_id.Identifier
        if not isinstance(identifier, str) or not identifier.endswith(ANNOTATIONS):
            return None
        return self._parser.row(ua.NodeId(identifier.removesuffix(ANNOTATIONS), node_id.NamespaceIndex))
