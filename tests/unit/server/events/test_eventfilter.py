"""Event filters: what is refused and how, and which events and fields come through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from alarmplant import TEMPERATURE, AlarmPlant
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.server.address_space import AddressSpace, NodeManagementService
from asyncua.server.standard_address_space import standard_address_space
from asyncua.ua.ua_binary import (
    extensionobject_from_binary,
    extensionobject_to_binary,
    struct_to_binary,
    variant_to_binary,
)

from server.alarms.events import ConditionEvent, condition_events
from server.events.event import refresh_start, system_event
from server.events.filter import MAX_ELEMENTS, CompiledFilter, compile_filter, without_diagnostics
from server.events.types import EventTypes

Op = ua.FilterOperator
BASE, CONDITION, LIMIT_ALARM, AUDIT = 2041, 2782, 2955, 2052


@pytest.fixture(scope="module")
def types() -> EventTypes:
    space = AddressSpace()
    standard_address_space.fill_address_space(NodeManagementService(space))
    return EventTypes(lambda node: space._nodes[node].references if node in space._nodes else ())


@pytest.fixture(scope="module")
def hot() -> ConditionEvent:
    """High temperature of A/UPS-1/S01/J01, severity 500, unacknowledged."""
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 40, asset=0)
    (event,) = condition_events(plant.table, plant.step(0), 2)
    return event


def field(path: str, kind: int = BASE, attribute: int = ua.AttributeIds.Value) -> ua.SimpleAttributeOperand:
    names = [ua.QualifiedName(name) for name in path.split("/")] if path else []
    return ua.SimpleAttributeOperand(ua.NodeId(kind), names, attribute)


def literal(value: Any, kind: ua.VariantType | None = None) -> ua.LiteralOperand:
    return ua.LiteralOperand(ua.Variant(value, kind))


def element(operator: Any, *operands: Any) -> ua.ContentFilterElement:
    return ua.ContentFilterElement(operator, list(operands))


def event_filter(*elements: ua.ContentFilterElement, select: Sequence[Any] = ()) -> ua.EventFilter:
    clauses = list(select) or [field("EventId")]
    return ua.EventFilter(clauses, ua.ContentFilter(list(elements)))


def accepted(types: EventTypes, wanted: ua.EventFilter) -> CompiledFilter:
    compiled, result = compile_filter(wanted, types)
    assert compiled is not None, result
    return compiled


def refusal(types: EventTypes, *elements: ua.ContentFilterElement) -> list[tuple[str, list[str]]]:
    compiled, result = compile_filter(event_filter(*elements), types)
    assert compiled is None
    return [
        (e.StatusCode.name, [code.name for code in e.OperandStatusCodes])
        for e in result.WhereClauseResult.ElementResults
    ]


SELECTED: list[tuple[str, Any, str, Any]] = [
    ("a field of the base type", field("Severity"), "Good", 500),
    ("a field of a subtype through the base type", field("ActiveState/Id"), "Good", True),
    ("no type stands for the base type", field("HighLimit", 0), "Good", 35.0),
    ("a field by its type", field("HighLimit", LIMIT_ALARM), "Good", 35.0),
    ("an inherited field", field("Message/", LIMIT_ALARM), "BadBrowseNameInvalid", None),
    ("a field of another event type", field("ActionTimeStamp", AUDIT), "Good", None),
    ("a field declared on the state's type", field("ActiveState/EffectiveDisplayName", 9482), "Good", ...),
    ("deep down", field("LimitState/CurrentState/Id", 9482), "Good", ua.NodeId(9331)),
    ("ConditionId", field("", CONDITION, 1), "Good", ua.NodeId("A/UPS-1/S01/J01#TemperatureHigh", 2)),
    ("no field", field("Nonsense"), "BadNodeIdUnknown", None),
    ("a field that the type does not have", field("HighLimit", CONDITION), "BadNodeIdUnknown", None),
    ("an object has no value", field("LimitState", 9482), "BadAttributeIdInvalid", None),
    (
        "an object has a NodeId",
        field("LimitState", 9482, 1),
        "Good",
        ua.NodeId("A/UPS-1/S01/J01#TemperatureHigh.LimitState", 2),
    ),
    ("a variable's NodeId is not to be had", field("Severity", BASE, 1), "BadAttributeIdInvalid", None),
    ("the time left on the shelf", field("ShelvingState/UnshelveTime", 2915), "Good", ...),
    ("the state of the shelf", field("ShelvingState/CurrentState/Id"), "Good", ...),
    ("the end of the path is missing", field("ShelvingState/Nonsense", 2915), "BadNodeIdUnknown", None),
    ("deeper than there is anything", field("Severity/Id", CONDITION), "BadNodeIdUnknown", None),
    ("no such attribute", field("Severity", BASE, 99), "BadAttributeIdInvalid", None),
    ("an instance has no value", field("", CONDITION, 13), "BadAttributeIdInvalid", None),
    ("no event type", field("Severity", 58), "BadTypeDefinitionInvalid", None),
    ("no type at all", field("Severity", 999_999), "BadTypeDefinitionInvalid", None),
]


@pytest.mark.parametrize(
    ("clause", "code", "value"), [row[1:] for row in SELECTED], ids=[r[0] for r in SELECTED]
)
def test_select(types: EventTypes, hot: ConditionEvent, clause: Any, code: str, value: Any) -> None:
    wanted = event_filter(select=[field("Severity"), clause])
    compiled, result = compile_filter(wanted, types)
    assert [status.name for status in result.SelectClauseResults] == ["Good", code]
    assert compiled is not None, "one wrong clause costs only its own field"
    got = compiled.fields(hot)
    assert got[0].Value == 500
    if value is ...:
        value = hot.value(tuple(name.Name for name in clause.BrowsePath)).Value
    assert got[1].Value == value


def test_encoded_fields_are_what_asyncua_makes_of_them(types: EventTypes, hot: ConditionEvent) -> None:
    part = field("SourceName")
    part.IndexRange = "2:4"
    clauses = [row[1] for row in SELECTED] + [part, field("", CONDITION, ua.AttributeIds.NodeId)]
    chosen = accepted(types, event_filter(select=clauses))
    for event in (hot, refresh_start(1), hot, system_event(1, "Hello", 1)):
        values = chosen.fields(event)
        expected = len(values).to_bytes(4, "little") + b"".join(map(variant_to_binary, values))
        assert chosen.encoded(event) == expected


def test_keys_tell_filters_apart(types: EventTypes) -> None:
    severe, mild = (element(Op.GreaterThan, field("Severity"), literal(limit)) for limit in (700, 100))
    one, same, milder = (accepted(types, event_filter(each)) for each in (severe, severe, mild))
    other = accepted(types, event_filter(severe, select=[field("Message")]))
    assert (one.key, one.where) == (same.key, same.where)
    assert (one.key == milder.key, one.where == milder.where) == (True, False)
    assert (one.key == other.key, one.where == other.where) == (False, True)


def test_index_range(types: EventTypes, hot: ConditionEvent) -> None:
    clauses = [field("SourceName") for _ in range(4)]
    for clause, text in zip(clauses, ("2:4", "0", "90:99", "4:2"), strict=True):
        clause.IndexRange = text
    compiled, result = compile_filter(event_filter(select=clauses), types)
    assert compiled is not None
    assert [value.Value for value in compiled.fields(hot)] == ["UPS", "A", None, None]
    assert [c.name for c in result.SelectClauseResults] == ["Good"] * 3 + ["BadIndexRangeInvalid"]


def test_nothing_selected_is_refused(types: EventTypes) -> None:
    assert compile_filter(ua.EventFilter(), types)[0] is None
    assert compile_filter(event_filter(select=[field("Nonsense")]), types)[0] is None


def test_filters_that_select_the_same_share_a_key(types: EventTypes) -> None:
    one = accepted(types, event_filter(select=[field("Severity"), field("Message")]))
    same = accepted(
        types,
        event_filter(element(Op.IsNull, field("Comment")), select=[field("Severity"), field("Message")]),
    )
    other = accepted(types, event_filter(select=[field("Message"), field("Severity")]))
    assert one.key == same.key != other.key
    assert hash(one.key) == hash(same.key)


MATCHES: list[tuple[str, bool, list[ua.ContentFilterElement]]] = [
    ("no where clause", True, []),
    ("equal", True, [element(Op.Equals, field("Severity"), literal(500))]),
    ("unequal", False, [element(Op.Equals, field("Severity"), literal(501))]),
    ("null lets nothing through", False, [element(Op.Equals, field("LowLimit"), literal(1.0))]),
    (
        "nor does its negation",
        False,
        [element(Op.Not, ua.ElementOperand(1)), element(Op.Equals, field("LowLimit"), literal(1.0))],
    ),
    ("of its type", True, [element(Op.OfType, literal(ua.NodeId(9482)))]),
    ("of a supertype", True, [element(Op.OfType, literal(ua.NodeId(LIMIT_ALARM)))]),
    ("of any type", True, [element(Op.OfType, literal(ua.NodeId(BASE)))]),
    ("of another type", False, [element(Op.OfType, literal(ua.NodeId(AUDIT)))]),
    ("of a type that a field names", True, [element(Op.OfType, field("EventType"))]),
    ("of a type that is null", False, [element(Op.OfType, field("LowLimit"))]),
    ("like", True, [element(Op.Like, field("SourceName"), literal("A/%/J0_"))]),
    ("a restricted field of another type is null", True, [element(Op.IsNull, field("Status", AUDIT))]),
    (
        "a tree",
        True,
        [
            element(Op.And, ua.ElementOperand(1), ua.ElementOperand(2)),
            element(Op.Or, ua.ElementOperand(3), ua.ElementOperand(4)),
            element(Op.Not, field("AckedState/Id")),
            element(Op.GreaterThan, field("Severity"), literal(700)),
            element(Op.InList, field("ConditionName"), literal("VoltageLevel"), literal("TemperatureHigh")),
        ],
    ),
    (
        "elements that the first does not lead to are ignored",
        True,
        [element(Op.IsNull, field("LowLimit")), element(Op.IsNull, field("Severity"))],
    ),
    (
        "whatever is wrong with elements that the first does not lead to",
        True,
        [
            element(Op.IsNull, field("LowLimit")),
            element(Op.InView, literal(1)),
            element(Op.Equals, field("Nonsense"), literal(1)),
        ],
    ),
]


@pytest.mark.parametrize(("matches", "elements"), [r[1:] for r in MATCHES], ids=[r[0] for r in MATCHES])
def test_where(
    types: EventTypes, hot: ConditionEvent, matches: bool, elements: list[ua.ContentFilterElement]
) -> None:
    assert accepted(types, event_filter(*elements)).matches(hot) is matches


TRUE_ = element(Op.IsNull, field("LowLimit"))
REFUSED: list[tuple[str, tuple[str, list[str]], list[ua.ContentFilterElement]]] = [
    ("unknown operator", ("BadFilterOperatorInvalid", []), [element(99, literal(1))]),
    ("InView", ("BadFilterOperatorUnsupported", []), [element(Op.InView, literal(1))]),
    (
        "RelatedTo of numbers",
        ("BadFilterOperandInvalid", ["BadFilterLiteralInvalid"] * 3 + ["Good"] * 3),
        [element(Op.RelatedTo, *[literal(1)] * 6)],
    ),
    ("RelatedTo of too little", ("BadFilterOperandCountMismatch", []), [element(Op.RelatedTo, literal(1))]),
    ("too few operands", ("BadFilterOperandCountMismatch", []), [element(Op.Equals, literal(1))]),
    ("too many operands", ("BadFilterOperandCountMismatch", []), [element(Op.Not, literal(1), literal(1))]),
    ("no operand", ("BadFilterOperandCountMismatch", []), [ua.ContentFilterElement(Op.OfType, None)]),
    ("InList of nothing", ("BadFilterOperandCountMismatch", []), [element(Op.InList, literal(1))]),
    (
        "an element that is itself",
        ("BadFilterOperandInvalid", ["BadFilterElementInvalid"]),
        [element(Op.Not, ua.ElementOperand(0))],
    ),
    (
        "an element that is not there",
        ("BadFilterOperandInvalid", ["BadFilterElementInvalid"]),
        [element(Op.Not, ua.ElementOperand(2)), TRUE_],
    ),
    (
        "an unknown field",
        ("BadFilterOperandInvalid", ["BadNodeIdUnknown", "Good"]),
        [element(Op.Equals, field("Nonsense"), literal(1))],
    ),
    (
        "a pattern that breaks off",
        ("BadFilterOperandInvalid", ["Good", "BadFilterLiteralInvalid"]),
        [element(Op.Like, field("SourceName"), literal("[a"))],
    ),
    (
        "a cast to no data type",
        ("BadFilterOperandInvalid", ["Good", "BadFilterLiteralInvalid"]),
        [element(Op.Cast, literal(1), literal(ua.NodeId(BASE)))],
    ),
    (
        "OfType of what is no event type",
        ("BadFilterOperandInvalid", ["BadTypeDefinitionInvalid"]),
        [element(Op.OfType, literal(ua.NodeId(58)))],
    ),
    (
        "OfType of a number",
        ("BadFilterOperandInvalid", ["BadFilterLiteralInvalid"]),
        [element(Op.OfType, literal(2041))],
    ),
    (
        "an operand of no known kind",
        ("BadFilterOperandInvalid", ["BadFilterOperandInvalid"]),
        [element(Op.IsNull, ua.ExtensionObject())],
    ),
    (
        "an AttributeOperand, which the filter of events does not take (Part 4, 7.22.3)",
        ("BadFilterOperandInvalid", ["BadFilterOperandInvalid", "Good"]),
        [
            element(
                Op.Equals,
                ua.AttributeOperand(
                    NodeId=ua.NodeId(BASE),
                    BrowsePath=ua.RelativePath(
                        [ua.RelativePathElement(ua.NodeId(46), False, True, ua.QualifiedName("Severity"))]
                    ),
                    AttributeId=13,
                ),
                literal(500),
            )
        ],
    ),
]


@pytest.mark.parametrize(("first", "elements"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused(
    types: EventTypes, first: tuple[str, list[str]], elements: list[ua.ContentFilterElement]
) -> None:
    assert refusal(types, *elements)[0] == first


def test_a_filter_that_came_over_the_wire(types: EventTypes, hot: ConditionEvent) -> None:
    wanted = event_filter(
        element(Op.And, ua.ElementOperand(1), ua.ElementOperand(2)),
        element(Op.OfType, literal(ua.NodeId(LIMIT_ALARM))),
        element(Op.Between, field("Severity"), literal(400), literal(600.5)),
        select=[field("ConditionName"), field("", CONDITION, 1)],
    )
    data = extensionobject_to_binary(wanted)
    received = extensionobject_from_binary(Buffer(bytes(data)))
    compiled = accepted(types, received)
    assert compiled.matches(hot)
    assert compiled.fields(hot)[0].Value == "TemperatureHigh"
    assert compiled.key == accepted(types, wanted).key
    assert compiled.where == accepted(types, wanted).where


def test_a_loop_is_refused_where_it_turns_back(types: EventTypes) -> None:
    loop = [element(Op.Not, ua.ElementOperand(1)), element(Op.Not, ua.ElementOperand(0))]
    assert refusal(types, *loop) == [
        ("Good", ["Good"]),
        ("BadFilterOperandInvalid", ["BadFilterElementInvalid"]),
    ]


def test_each_element_is_evaluated_once(types: EventTypes, hot: ConditionEvent) -> None:
    """Every element names the next one twice: 2**255 paths, but only 256 elements."""
    last = MAX_ELEMENTS - 1
    ladder = [element(Op.And, ua.ElementOperand(i + 1), ua.ElementOperand(i + 1)) for i in range(last)]
    assert accepted(types, event_filter(*ladder, TRUE_)).matches(hot)


def test_too_much_is_refused(types: EventTypes) -> None:
    assert compile_filter(event_filter(*[TRUE_] * (MAX_ELEMENTS + 1)), types)[0] is None
    flood = element(Op.InList, *[literal(1)] * 5000)
    assert compile_filter(event_filter(flood), types)[0] is None
    assert compile_filter(event_filter(select=[field("Time")] * 1001), types)[0] is None


def test_refresh_comes_through_every_filter(types: EventTypes) -> None:
    nothing = accepted(types, event_filter(element(Op.IsNull, field("Severity"))))
    assert nothing.matches(refresh_start(1))
    assert not nothing.matches(system_event(1, "Hello", 1))


def test_events_of_other_types_have_null_fields(types: EventTypes) -> None:
    chosen = accepted(
        types, event_filter(select=[field("Message"), field("ActiveState/Id"), field("", CONDITION, 1)])
    )
    text, active, condition = chosen.fields(system_event(1, "Hello", 1))
    assert (text.Value.Text, active.Value, condition.Value) == ("Hello", None, None)


def test_each_fault_is_told_in_words_for_who_asks(types: EventTypes) -> None:
    wanted = event_filter(
        element(Op.And, ua.ElementOperand(1), ua.ElementOperand(2)),
        element(Op.Equals, field("Nonsense"), literal(1)),
        element(Op.InView, literal(1)),
        select=[field("Severity"), field("ActiveState/Nowhere", 2915)],
    )
    compiled, result = compile_filter(wanted, types)
    assert compiled is None
    assert [info.AdditionalInfo for info in result.SelectClauseDiagnosticInfos] == [
        None,
        "i=2915 declares no ActiveState/Nowhere",
    ]
    where = result.WhereClauseResult
    assert [info.AdditionalInfo for info in where.ElementDiagnosticInfos] == [
        None,
        "see its operands",
        "there are no views",
    ]
    second = where.ElementResults[1]
    assert [info.AdditionalInfo for info in second.OperandDiagnosticInfos] == [
        "i=2041 declares no Nonsense",
        None,
    ]
    silent = without_diagnostics(result)
    assert silent.SelectClauseResults == result.SelectClauseResults
    assert not silent.SelectClauseDiagnosticInfos
    assert [e.StatusCode for e in silent.WhereClauseResult.ElementResults] == [
        e.StatusCode for e in where.ElementResults
    ]
    assert not any(e.OperandDiagnosticInfos for e in silent.WhereClauseResult.ElementResults)
    struct_to_binary(result)  # it goes over the wire
