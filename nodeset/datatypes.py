"""The OPC UA data types of Voltkeep's variables, properties and arguments, by number (Part 6, 5.1.2)."""

from __future__ import annotations

from enum import IntEnum


class DataType(IntEnum):
    """A built-in type; its number is its identifier in namespace 0, and its VariantType."""

    BOOLEAN = 1
    UINT32 = 7
    DOUBLE = 11
    STRING = 12
    DATE_TIME = 13
    NODE_ID = 17
