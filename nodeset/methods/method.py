"""What a method and its arguments are."""

from __future__ import annotations

from dataclasses import dataclass

from nodeset.datatypes import DataType
from nodeset.structures import StructureDef


@dataclass(frozen=True)
class ArgumentDef:
    """One argument: a scalar, or an array of one dimension."""

    name: str
    data_type: DataType | StructureDef
    description: str
    array: bool = False


@dataclass(frozen=True)
class MethodDef:
    """One method of the object `owner` under the fleet."""

    owner: str
    name: str
    description: str
    inputs: tuple[ArgumentDef, ...] = ()
    outputs: tuple[ArgumentDef, ...] = ()
