"""The event types of the address space: which is a subtype of which, and which fields each declares.

Everything is read from references, so that types of loaded NodeSets count as those of the standard do.
What was found is kept: types do not change while the server runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from operator import eq

from asyncua import ua

from server.events.relations import Relations, Targets

References = Callable[[ua.NodeId], Sequence[ua.ReferenceDescription]]

BASE = ua.NodeId(ua.ObjectIds.BaseEventType)
_SUBTYPE = ua.NodeId(ua.ObjectIds.HasSubtype)
_AGGREGATES = frozenset(
    ua.NodeId(number)
    for number in (
        ua.ObjectIds.HasProperty,
        ua.ObjectIds.HasComponent,
        ua.ObjectIds.HasOrderedComponent,
    )
)
_TYPE_DEFINITIONS = (ua.NodeId(ua.ObjectIds.BaseObjectType), ua.NodeId(ua.ObjectIds.BaseVariableType))
_REFERENCE_TYPE = ua.NodeId(ua.ObjectIds.References)
_Children = dict[tuple[int, str], ua.ReferenceDescription]


class EventTypes:
    """Event types, by `references` of any node; an unknown node has none.

    `targets` tells faster where a node's references lead, for `relations` between nodes that are no types.
    """

    def __init__(self, references: References, targets: Targets | None = None) -> None:
        self._references = references
        self.relations = Relations(targets or self._targets, self.is_subtype)
        self._known: dict[ua.NodeId, _Children] = {}
        self._above: dict[ua.NodeId, tuple[ua.NodeId, ...]] = {}
        # TypeDefinitions of the instance declarations below the types.
        self._types: dict[ua.NodeId, ua.NodeId] = {}

    def is_event_type(self, node: ua.NodeId) -> bool:
        """Whether `node` is BaseEventType or a subtype of it."""
        return self.is_subtype(node, BASE)

    def is_subtype(self, node: ua.NodeId, base: ua.NodeId) -> bool:
        """Whether `node` is `base` or a subtype of it, however far down."""
        return base in self._upwards(node)

    def is_type_definition(self, node: ua.NodeId) -> bool:
        """Whether `node` is an ObjectType or a VariableType."""
        return any(self.is_subtype(node, base) for base in _TYPE_DEFINITIONS)

    def is_reference_type(self, node: ua.NodeId) -> bool:
        """Whether `node` is a ReferenceType."""
        return self.is_subtype(node, _REFERENCE_TYPE)

    def _targets(self, node: ua.NodeId, reference: ua.NodeId, subtypes: bool) -> list[ua.NodeId]:
        """Where forward references of a type lead from a node."""
        return [
            _plain(r.NodeId)
            for r in self._references(node)
            if r.IsForward and (self.is_subtype if subtypes else eq)(r.ReferenceTypeId, reference)
        ]

    def subtypes(self, base: ua.NodeId) -> list[ua.NodeId]:
        """`base` and all its subtypes."""
        found = [base]
        for kind in found:
            found += [
                _plain(r.NodeId)
                for r in self._references(kind)
                if r.IsForward and r.ReferenceTypeId == _SUBTYPE
            ]
        return found

    def find(self, kind: ua.NodeId, path: Sequence[ua.QualifiedName]) -> ua.NodeClass | None:
        """NodeClass of what stands at a browse path of an event type, or None.

        BaseEventType stands for every event type: a client that names it does not care which one has
        the field (Part 4, 7.22.3).
        """
        if not path:
            return None
        first, *rest = path
        key = (first.NamespaceIndex, first.Name)
        if kind == BASE:
            starts = self._anywhere.get(key, [])
        else:
            starts = [child for child in (self._children(kind).get(key),) if child is not None]
        return next((found for start in starts if (found := self._walk(start, rest)) is not None), None)

    def _walk(self, start: ua.ReferenceDescription, path: Sequence[ua.QualifiedName]) -> ua.NodeClass | None:
        found: ua.ReferenceDescription | None = start
        for name in path:
            if found is None:
                return None
            found = self._children(_plain(found.NodeId)).get((name.NamespaceIndex, name.Name))
        return None if found is None else ua.NodeClass(found.NodeClass)

    def _children(self, node: ua.NodeId) -> _Children:
        """Objects and variables below a node: its own, those of its type, and of all supertypes."""
        known = self._known.get(node)
        if known is None:
            known = {}
            for kind in self._upwards(node):
                for reference in self._references(kind):
                    if reference.IsForward and reference.ReferenceTypeId in _AGGREGATES:
                        name = reference.BrowseName
                        known.setdefault((name.NamespaceIndex, name.Name), reference)
                        self._declare(reference)
            known |= {key: r for key, r in self._inherited(node).items() if key not in known}
            if known:
                self._known[node] = known
        return known

    def _declare(self, reference: ua.ReferenceDescription) -> None:
        """Remember the type of an instance declaration."""
        if not reference.TypeDefinition.is_null():
            self._types[_plain(reference.NodeId)] = _plain(reference.TypeDefinition)

    def _inherited(self, node: ua.NodeId) -> _Children:
        kind = self._types.get(node)
        return {} if kind is None else self._children(kind)

    def _upwards(self, node: ua.NodeId) -> tuple[ua.NodeId, ...]:
        """The node and its supertypes; once they were asked for no reference is looked at any more."""
        known = self._above.get(node)
        if known is None:
            known = tuple(self._supertypes(node))
            if len(known) > 1:  # strangers are not remembered: clients could name any number of them
                self._above[node] = known
        return known

    def _supertypes(self, node: ua.NodeId) -> Iterator[ua.NodeId]:
        seen: set[ua.NodeId] = set()
        kind: ua.NodeId | None = node
        while kind is not None and kind not in seen:
            seen.add(kind)
            yield kind
            kind = next(
                (
                    _plain(r.NodeId)
                    for r in self._references(kind)
                    if not r.IsForward and r.ReferenceTypeId == _SUBTYPE
                ),
                None,
            )

    @cached_property
    def _anywhere(self) -> dict[tuple[int, str], list[ua.ReferenceDescription]]:
        """What any event type declares, by name; a name can stand for several declarations."""
        found: dict[tuple[int, str], dict[ua.NodeId, ua.ReferenceDescription]] = {}
        for kind in self.subtypes(BASE):
            for key, reference in self._children(kind).items():
                found.setdefault(key, {})[_plain(reference.NodeId)] = reference
        return {key: list(references.values()) for key, references in found.items()}


def _plain(node: ua.NodeId) -> ua.NodeId:
    """Without the namespace URI and server of an ExpandedNodeId."""
    return ua.NodeId(node.Identifier, node.NamespaceIndex)
