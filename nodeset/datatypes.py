"""The OPC UA data types of Voltkeep's tags, properties and arguments, by their number (Part 6, 5.1.2)."""

from __future__ import annotations

from enum import IntEnum


class DataType(IntEnum):
    """A built-in type; its number is its identifier in namespace 0, and its VariantType."""

    UINT32 = 7
    DOUBLE = 11
    STRING = 12
    DATE_TIME = 13
