"""Values as clients send and are told them, for corrections of history (Part 11, 6.9.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from asyncua import ua

from historian.edits import Value
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from nodeset.tags import Kind, TagDef, quarter_text
from server.history.reading import microseconds
from server.protocol.wire import ticks

S = ua.StatusCodes
VT = ua.VariantType

_INTEGERS: Final = frozenset(
    {VT.SByte, VT.Byte, VT.Int16, VT.UInt16, VT.Int32, VT.UInt32, VT.Int64, VT.UInt64}
)
_QUARTER: Final = re.compile(r"([0-9]{4})-Q([1-4])")
_TYPE: Final = {
    Kind.ANALOG: VT.Double,
    Kind.COUNT: VT.Double,
    Kind.STATE: VT.UInt32,
    Kind.QUARTER: VT.String,
    Kind.JAR: VT.String,
}


class ValueForms:
    """Turns DataValues into values of a variable, and back.

    A number is a Double, a state any integer that is one of its states, a text what the variable itself would
    say: a quarter (`2027-Q1`), the path of a jar below the variable's asset.
    """

    def __init__(self, index: TagIndex) -> None:
        self._index = index

    def values(self, row: int, sent: Iterable[ua.DataValue]) -> list[Value | int]:
        """Values of the variable in `row`, or the StatusCode for one that is none."""
        return [self._value(row, each) for each in sent]

    def _value(self, row: int, sent: ua.DataValue) -> Value | int:
        time = microseconds(sent.SourceTimestamp)
        if time is None:
            return int(S.BadInvalidTimestamp)
        tag, _ = self._index.locate(row)
        number = self._number(tag, row, sent.Value)
        if isinstance(number, ua.StatusCode):
            return int(number.value)
        return Value(time, number, 0 if sent.StatusCode is None else int(sent.StatusCode.value))

    def _number(self, tag: TagDef, row: int, sent: ua.Variant | None) -> float | ua.StatusCode:
        if sent is None or sent.VariantType is VT.Null:
            return math.nan
        if sent.is_array or sent.VariantType not in _taken(tag.kind):
            return ua.StatusCode(S.BadTypeMismatch)
        value: Any = sent.Value
        if value is None:
            return math.nan
        number = self._meaning(tag, row, value)
        return ua.StatusCode(S.BadOutOfRange) if number is None else number

    def _meaning(self, tag: TagDef, row: int, value: Any) -> float | None:
        """The number that stands for a value of the right type; None where there is none."""
        if tag.kind is Kind.STATE:
            return float(value) if 0 <= value < len(tag.states) else None
        if tag.kind is Kind.QUARTER:
            found = _QUARTER.fullmatch(value)
            return None if found is None else float(int(found[1]) * 4 + int(found[2]) - 1)
        if tag.kind is Kind.JAR:
            place = self._index.fleet.index_of.get(value)
            below = value.startswith(f"{self._index.path(row)}/")
            return float(place[1]) if below and place is not None and place[0] is AssetType.JAR else None
        return float(value)

    def data_values(self, row: int, values: Iterable[Value]) -> list[ua.DataValue]:
        """Values of the variable in `row` as structures."""
        tag, _ = self._index.locate(row)
        return [
            ua.DataValue(
                self._variant(tag, value.number),
                ua.StatusCode(value.status),
                ua.win_epoch_to_datetime(ticks(value.time)),
            )
            for value in values
        ]

    def _variant(self, tag: TagDef, number: float) -> ua.Variant:
        if math.isnan(number):
            return ua.Variant()
        if tag.kind is Kind.QUARTER:
            return ua.Variant(quarter_text(number), VT.String)
        if tag.kind is Kind.JAR:
            return ua.Variant(self._index.fleet.assets(AssetType.JAR)[int(number)].path, VT.String)
        return ua.Variant(int(number) if tag.kind is Kind.STATE else number, _TYPE[tag.kind])


def _taken(kind: Kind) -> frozenset[ua.VariantType]:
    return _INTEGERS if kind is Kind.STATE else frozenset({_TYPE[kind]})
