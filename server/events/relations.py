"""RelatedTo: whether a node is related to one of a type by references of a type (Part 4, 7.7.3).

Of an event the nodes asked about are its condition and its source: the operator is TRUE where either is of
the first type and related to a node of the second. References are followed forward. So many hops away, every
one by a reference of the type, stands the related node; 0 hops are any number of them. Both ends can be
another relation, which its node must meet.

What is asked of the address space is bounded, however a client chains relations: where an answer would take
more, the nodes count as unrelated. Answers are kept, as fleet and types stay what they are while the server
runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from asyncua import ua

# Where forward references of a type lead from a node, with or without its subtypes.
Targets = Callable[[ua.NodeId, ua.NodeId, bool], Sequence[ua.NodeId]]
IsSubtype = Callable[[ua.NodeId, ua.NodeId], bool]

MAX_HOPS: Final = 32
MAX_VISITS: Final = 300  # nodes and references looked at for one answer: some milliseconds
_KEPT: Final = 20_000  # answers
_TYPE_DEFINITION: Final = ua.NodeId(ua.ObjectIds.HasTypeDefinition)


@dataclass(frozen=True)
class Kind:
    """What a node must be: of a type, or of one below it too."""

    type: ua.NodeId
    subtypes: bool


@dataclass(frozen=True)
class Relation:
    """What both ends must be, and the references that lead from one to the other; 0 hops: any number."""

    near: Kind | Relation
    far: Kind | Relation
    reference: ua.NodeId
    subtypes: bool
    hops: int


class Relations:
    """Answers what is related in the address space."""

    def __init__(self, targets: Targets, is_subtype: IsSubtype) -> None:
        self._targets = targets
        self._is_subtype = is_subtype
        self._kept: dict[tuple[ua.NodeId, Relation], bool] = {}

    def holds(self, node: ua.NodeId, relation: Relation) -> bool:
        """Whether a node meets a relation; not where that is too far away to be found."""
        key = (node, relation)
        known = self._kept.get(key)
        if known is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            try:
                known = _Walk(self._targets, self._is_subtype).meets(node, relation)
            except _Exhausted:
                known = False
            self._kept[key] = known
        return known


class _Exhausted(Exception):
    """An answer would take too long."""


class _Walk:
    """One answer, and what it may still cost."""

    def __init__(self, targets: Targets, is_subtype: IsSubtype) -> None:
        self._targets = targets
        self._is_subtype = is_subtype
        self._left = MAX_VISITS
        self._known: dict[tuple[ua.NodeId, Relation], bool] = {}

    def meets(self, node: ua.NodeId, wanted: Kind | Relation) -> bool:
        """Whether a node is what it must be."""
        if isinstance(wanted, Kind):
            return any(self._fits(kind, wanted) for kind in self._follow(node, _TYPE_DEFINITION, False))
        known = self._known.get((node, wanted))
        if known is None:
            known = self.meets(node, wanted.near) and any(
                self.meets(other, wanted.far) for other in self._related(node, wanted)
            )
            self._known[node, wanted] = known
        return known

    def _fits(self, kind: ua.NodeId, wanted: Kind) -> bool:
        return self._is_subtype(kind, wanted.type) if wanted.subtypes else kind == wanted.type

    def _related(self, start: ua.NodeId, relation: Relation) -> Iterator[ua.NodeId]:
        """The nodes so many hops away; for 0 those at any distance, the nearest first."""
        level, seen = [start], {start}
        for _ in range(relation.hops or MAX_HOPS):
            found = dict.fromkeys(
                node for each in level for node in self._follow(each, relation.reference, relation.subtypes)
            )
            level = [node for node in found if relation.hops or node not in seen]
            seen.update(level)
            if not relation.hops:
                yield from level
        if relation.hops:
            yield from level

    def _follow(self, node: ua.NodeId, reference: ua.NodeId, subtypes: bool) -> Sequence[ua.NodeId]:
        if self._left <= 0:
            raise _Exhausted
        found = self._targets(node, reference, subtypes)
        self._left -= 1 + len(found)
        return found
