"""RelatedTo: sources and conditions by what they are related to, chained, and bounded whatever is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from alarmplant import TEMPERATURE, AlarmPlant
from asyncua import ua

from server.alarms.events import ConditionEvent, condition_events
from server.events.event import system_event
from server.events.filter import compile_filter
from server.events.relatedto import MAX_RELATIONS
from server.events.relations import MAX_VISITS
from server.events.types import EventTypes

Op, Ids = ua.FilterOperator, ua.ObjectIds
BASE_OBJECT, JAR, ALARM, BASE_VARIABLE, VARIABLE, LEVEL = 58, 1001, 1002, 62, 63, 9482
HIERARCHICAL, COMPONENT, CONDITION, TYPE, SUBTYPE = 33, 47, 9006, 40, 45
JAR_NODE = "A/UPS-1/S01/J01"
ALARM_NODE = f"{JAR_NODE}#TemperatureHigh"

# From, by a reference of, to: types by number, the plant by name.
REFERENCES: list[tuple[Any, int, Any]] = [
    (BASE_OBJECT, SUBTYPE, JAR),
    (BASE_OBJECT, SUBTYPE, 2041),
    (2041, SUBTYPE, LEVEL),
    (BASE_VARIABLE, SUBTYPE, VARIABLE),
    (31, SUBTYPE, HIERARCHICAL),
    (HIERARCHICAL, SUBTYPE, COMPONENT),
    (31, SUBTYPE, CONDITION),
    (JAR_NODE, TYPE, JAR),
    (ALARM_NODE, TYPE, LEVEL),
    (f"{JAR_NODE}.Voltage", TYPE, VARIABLE),
    ("part", TYPE, BASE_OBJECT),
    (JAR_NODE, CONDITION, ALARM_NODE),
    (JAR_NODE, COMPONENT, f"{JAR_NODE}.Voltage"),
    (JAR_NODE, COMPONENT, "part"),
    ("part", COMPONENT, f"{JAR_NODE}.Voltage"),
]


def node(name: int | str) -> ua.NodeId:
    return ua.NodeId(name) if isinstance(name, int) else ua.NodeId(name, 2)


class Graph:
    """References by where they come from; counts how often it is asked."""

    def __init__(self, references: Iterable[tuple[Any, int, Any]] = REFERENCES) -> None:
        self.by_node: dict[ua.NodeId, list[ua.ReferenceDescription]] = defaultdict(list)
        self.asked = 0
        for start, kind, end in references:
            self.by_node[node(start)].append(self._reference(kind, end, True))
            self.by_node[node(end)].append(self._reference(kind, start, False))

    @staticmethod
    def _reference(kind: int, end: int | str, forward: bool) -> ua.ReferenceDescription:
        return ua.ReferenceDescription(ReferenceTypeId=ua.NodeId(kind), IsForward=forward, NodeId=node(end))

    def __call__(self, start: ua.NodeId) -> list[ua.ReferenceDescription]:
        self.asked += 1
        return self.by_node.get(start, [])


@pytest.fixture(scope="module")
def hot() -> ConditionEvent:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 40, asset=0)
    (event,) = condition_events(plant.table, plant.step(0), 2)
    return event


def literal(value: Any) -> ua.LiteralOperand:
    return ua.LiteralOperand(ua.Variant(ua.NodeId(value[0]) if isinstance(value, list) else value))


def related(
    near: Any, far: Any, reference: int, hops: Any = 1, subtypes: Any = False, below: Any = False
) -> ua.ContentFilterElement:
    """Types and references by their numbers; an end may be an operand."""
    ends = [literal([end]) if isinstance(end, int) else end for end in (near, far)]
    others = [literal([reference]), *map(literal, (hops, subtypes, below))]
    return ua.ContentFilterElement(Op.RelatedTo, [*ends, *others])


def matches(event: Any, *elements: ua.ContentFilterElement, graph: Graph | None = None) -> bool:
    wanted = ua.EventFilter(
        [ua.SimpleAttributeOperand(ua.NodeId(), [], ua.AttributeIds.NodeId)], ua.ContentFilter(list(elements))
    )
    compiled, result = compile_filter(wanted, EventTypes(graph or Graph()))
    assert compiled is not None, result
    assert compiled.looks
    return compiled.matches(event)


RELATED: list[tuple[str, bool, ua.ContentFilterElement]] = [
    ("the source has a condition", True, related(JAR, LEVEL, CONDITION)),
    ("of another type", False, related(JAR, VARIABLE, CONDITION)),
    ("by another reference", False, related(JAR, LEVEL, COMPONENT)),
    ("of a supertype, exactly", False, related(JAR, 2041, CONDITION)),
    ("of a supertype, with subtypes", True, related(JAR, 2041, CONDITION, 1, True)),
    ("the source of a supertype", True, related(BASE_OBJECT, LEVEL, CONDITION, 1, True)),
    ("the source of a supertype, exactly", False, related(BASE_OBJECT, LEVEL, CONDITION)),
    ("the condition is a target too, but nothing is below it", False, related(LEVEL, JAR, CONDITION)),
    ("by a supertype of references, exactly", False, related(JAR, VARIABLE, HIERARCHICAL)),
    ("by a supertype of references", True, related(JAR, VARIABLE, HIERARCHICAL, 1, False, True)),
    ("two hops", True, related(JAR, VARIABLE, COMPONENT, 2)),
    ("two hops, and what is there is not", False, related(JAR, BASE_OBJECT, COMPONENT, 2)),
    ("more hops than there are", False, related(JAR, VARIABLE, COMPONENT, 3)),
    ("any number of hops", True, related(JAR, VARIABLE, COMPONENT, 0)),
    ("backwards it is not followed", False, related(LEVEL, JAR, CONDITION, 0)),
    ("hops as a text", True, related(JAR, LEVEL, CONDITION, "1")),
    ("a flag that is none is FALSE", False, related(JAR, 2041, CONDITION, 1, 7)),
]


@pytest.mark.parametrize(("expected", "element"), [r[1:] for r in RELATED], ids=[r[0] for r in RELATED])
def test_related(hot: ConditionEvent, expected: bool, element: ua.ContentFilterElement) -> None:
    assert matches(hot, element) is expected


@pytest.mark.parametrize(
    ("expected", "inner"),
    [(True, related(BASE_OBJECT, VARIABLE, COMPONENT)), (False, related(BASE_OBJECT, JAR, COMPONENT))],
)
def test_chained(hot: ConditionEvent, expected: bool, inner: ua.ContentFilterElement) -> None:
    """A jar with a part that has a variable, and with one that has a jar."""
    assert matches(hot, related(JAR, ua.ElementOperand(1), COMPONENT), inner) is expected


def test_both_ends_are_relations(hot: ConditionEvent) -> None:
    has_condition = related(JAR, LEVEL, CONDITION)
    has_variable = related(BASE_OBJECT, VARIABLE, COMPONENT)
    both = related(ua.ElementOperand(1), ua.ElementOperand(2), COMPONENT)
    assert matches(hot, both, has_condition, has_variable)
    assert not matches(hot, both, related(JAR, JAR, CONDITION), has_variable)


def test_as_part_of_a_tree(hot: ConditionEvent) -> None:
    negation = ua.ContentFilterElement(Op.Not, [ua.ElementOperand(1)])
    assert not matches(hot, negation, related(JAR, LEVEL, CONDITION))
    assert matches(hot, negation, related(JAR, JAR, CONDITION))


def test_a_type_that_a_field_names(hot: ConditionEvent) -> None:
    field = ua.SimpleAttributeOperand(ua.NodeId(2041), [ua.QualifiedName("EventType")], 13)
    graph = Graph([*REFERENCES, (2041, 46, 3000)])
    graph.by_node[node(2041)][-1].BrowseName = ua.QualifiedName("EventType")
    graph.by_node[node(2041)][-1].NodeClass = ua.NodeClass.Variable
    assert matches(hot, related(JAR, field, CONDITION), graph=graph)


def test_an_event_of_the_server(hot: ConditionEvent) -> None:
    assert not matches(system_event(1, "Hello", 1), related(JAR, LEVEL, CONDITION))


def codes(*elements: ua.ContentFilterElement) -> list[str]:
    """Of the operands of the first element, in a filter that is refused."""
    wanted = ua.EventFilter([ua.SimpleAttributeOperand(AttributeId=1)], ua.ContentFilter(list(elements)))
    compiled, result = compile_filter(wanted, EventTypes(Graph()))
    assert compiled is None
    first = result.WhereClauseResult.ElementResults[0]
    assert first.StatusCode.name == "BadFilterOperandInvalid"
    return [code.name for code in first.OperandStatusCodes]


@pytest.mark.parametrize(
    ("element", "place", "code"),
    [
        (related(COMPONENT, JAR, CONDITION), 0, "BadTypeDefinitionInvalid"),
        (related(JAR, 99_999, CONDITION), 1, "BadTypeDefinitionInvalid"),
        (related(JAR, LEVEL, JAR), 2, "BadFilterLiteralInvalid"),
        (related(JAR, LEVEL, CONDITION, -1), 3, "BadFilterLiteralInvalid"),
        (related(JAR, LEVEL, CONDITION, 1.5), 3, "BadFilterLiteralInvalid"),
        (related(JAR, ua.ElementOperand(1), CONDITION), 1, "BadFilterElementInvalid"),
        (related(ua.ElementOperand(0), LEVEL, CONDITION), 0, "BadFilterElementInvalid"),
        (related(ua.ElementOperand(9), LEVEL, CONDITION), 0, "BadFilterElementInvalid"),
    ],
)
def test_refused(element: ua.ContentFilterElement, place: int, code: str) -> None:
    other = ua.ContentFilterElement(Op.IsNull, [literal(1)])
    expected = ["Good"] * 6
    expected[place] = code
    assert codes(element, other) == expected


def test_an_answer_is_bounded_and_kept(hot: ConditionEvent) -> None:
    """A ring of nodes, each of which leads to two more: without bounds 2**32 ways."""
    ring = [(f"n{i}", COMPONENT, f"n{(i * 2 + k) % 4999}") for i in range(4999) for k in (0, 1)]
    graph = Graph([*REFERENCES, *ring, (JAR_NODE, COMPONENT, "n1")])
    chain = [related(JAR, ua.ElementOperand(1), COMPONENT, 0, False, True)]
    chain += [
        related(BASE_OBJECT, ua.ElementOperand(i + 1), COMPONENT, 0) for i in range(1, MAX_RELATIONS - 1)
    ]
    chain += [related(BASE_OBJECT, LEVEL, COMPONENT, 32)]
    types = EventTypes(graph)
    wanted = ua.EventFilter([ua.SimpleAttributeOperand(AttributeId=1)], ua.ContentFilter(chain))
    compiled, _ = compile_filter(wanted, types)
    assert compiled is not None
    graph.asked = 0
    assert not compiled.matches(hot)
    first = graph.asked
    assert MAX_VISITS / 10 < first <= MAX_VISITS
    assert not compiled.matches(hot)
    assert graph.asked == first


def test_too_many_relations_are_refused() -> None:
    chain = [related(JAR, LEVEL, CONDITION)] * (MAX_RELATIONS + 1)
    wanted = ua.EventFilter([ua.SimpleAttributeOperand(AttributeId=1)], ua.ContentFilter(chain))
    assert compile_filter(wanted, EventTypes(Graph()))[0] is None
