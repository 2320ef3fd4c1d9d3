"""What of a where clause goes to the database: only what every event that passes meets."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from asyncua import ua

from server.events.types import EventTypes
from server.history.nametexts import NameTexts
from server.history.narrowing import narrowed

Op = ua.FilterOperator
VT = ua.VariantType
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ALARM = ua.NodeId(ua.ObjectIds.AlarmConditionType)


def field(*names: str, index_range: str | None = None) -> ua.SimpleAttributeOperand:
    base = ua.NodeId(ua.ObjectIds.BaseEventType)
    path = [ua.QualifiedName(name) for name in names]
    return ua.SimpleAttributeOperand(base, path, ua.AttributeIds.Value, index_range)


def literal(value: Any, kind: ua.VariantType) -> ua.LiteralOperand:
    return ua.LiteralOperand(ua.Variant(value, kind))


def asked(*elements: tuple[Any, list[Any]]) -> tuple[str, list[Any]]:
    clause = ua.ContentFilter([ua.ContentFilterElement(op, operands) for op, operands in elements])
    scope = narrowed(clause, EventTypes(lambda node: []), NameTexts(["http://opcfoundation.org/UA/"]))
    return scope.where, list(scope.parameters.values())


SEVERITY, SOURCE = field("Severity"), field("SourceName")
SEVERE = (Op.GreaterThanOrEqual, [SEVERITY, literal(700, VT.UInt16)])
HERE = (Op.Equals, [SOURCE, literal("Bangrak", VT.String)])


@pytest.mark.parametrize(
    ("elements", "where", "parameters"),
    [
        ([], "true", []),
        ([SEVERE], "severity >= %(narrow0)s", [700]),
        ([(Op.LessThan, [literal(7, VT.Byte), SEVERITY])], "severity > %(narrow0)s", [7]),
        ([HERE], "source = %(narrow0)s", ["Bangrak"]),
        ([(Op.InList, [SOURCE, literal("A", VT.String)])], "source = ANY(%(narrow0)s)", [["A"]]),
        (
            [(Op.Between, [SEVERITY, literal(1, VT.Byte), literal(9, VT.Byte)])],
            "severity >= %(narrow0)s AND severity <= %(narrow1)s",
            [1, 9],
        ),
        (
            [(Op.Equals, [field("AckedState", "Id"), literal(False, VT.Boolean)])],
            "(condition IS NULL OR (acked) = %(narrow0)s)",
            [False],
        ),
        (
            [(Op.Equals, [literal(True, VT.Boolean), field("ActiveState", "Id")])],
            "(condition IS NULL OR (level <> 0) = %(narrow0)s)",
            [True],
        ),
        (
            [(Op.Equals, [field("ClientUserId"), literal("anna", VT.String)])],
            "(condition IS NULL OR user_name = %(narrow0)s)",
            ["anna"],
        ),
        ([(Op.GreaterThan, [field("Time"), literal(NOW, VT.DateTime)])], "ts > %(narrow0)s", [NOW]),
        ([(Op.OfType, [literal(ALARM, VT.NodeId)])], "event_type = ANY(%(narrow0)s)", [["i=2915"]]),
        (
            [(Op.And, [ua.ElementOperand(1), ua.ElementOperand(2)]), SEVERE, HERE],
            "severity >= %(narrow0)s AND source = %(narrow1)s",
            [700, "Bangrak"],
        ),
    ],
)
def test_what_all_must_meet_is_asked_of_the_database(
    elements: list[Any], where: str, parameters: list[Any]
) -> None:
    expected = where if where == "true" else f"(({where}) OR event_type = 'i=3035')"
    assert asked(*elements) == (expected, parameters)


@pytest.mark.parametrize(
    "elements",
    [
        [(Op.Or, [ua.ElementOperand(1), ua.ElementOperand(2)]), SEVERE, HERE],
        [(Op.Not, [ua.ElementOperand(1)]), SEVERE],
        [(Op.Equals, [SOURCE, literal("Server", VT.String)])],  # what events without a source say
        [(Op.Equals, [SOURCE, literal("a\0", VT.String)])],
        [(Op.Equals, [field("AckedState", "Id"), literal(0, VT.Byte)])],
        [(Op.Equals, [field("ClientUserId"), literal("", VT.String)])],
        [(Op.LessThan, [SOURCE, literal("B", VT.String)])],  # another order than the database's
        [(Op.Equals, [field("SourceName", index_range="0:2"), literal("Ban", VT.String)])],
        [(Op.GreaterThan, [SEVERITY, literal(700.5, VT.Double)])],
        [(Op.GreaterThan, [SEVERITY, literal("700", VT.String)])],
        [(Op.GreaterThan, [SEVERITY, SEVERITY])],
        [(Op.Equals, [field("ConfirmedState", "Id"), literal(True, VT.Boolean)])],
        [(Op.Like, [SOURCE, literal("Ban%", VT.String)])],
        [(Op.InList, [SOURCE, literal("A", VT.String), SEVERITY])],
        [(Op.InList, [SEVERITY, literal(1, VT.Byte)])],
    ],
)
def test_what_may_mean_something_else_there_is_not(elements: list[Any]) -> None:
    assert asked(*elements) == ("true", [])
