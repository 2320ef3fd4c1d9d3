"""All that the analytics remember of the fleet between two scans, as arrays that can be saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from analytics.ageing import Ageing
from analytics.capacity import Count
from analytics.parameters import Array, Mask
from analytics.twin import Circuit

Part = TypeVar("Part", bound=Circuit | Ageing | Count)


class StateMismatchError(ValueError):
    """Saved arrays that do not belong to this fleet or to this version."""


@dataclass(frozen=True)
class State:
    """The twin's circuit, the slow state of ageing and discharges so far, every array of shape (jars,)."""

    circuit: Circuit
    ageing: Ageing
    count: Count

    def as_arrays(self) -> dict[str, Array]:
        """Every array by name, for `numpy.savez`."""
        parts: dict[str, Circuit | Ageing | Count] = {
            "circuit": self.circuit,
            "ageing": self.ageing,
            "count": self.count,
        }
        return {
            f"{part}.{f.name}": getattr(value, f.name) for part, value in parts.items() for f in fields(value)
        }

    def mixed(self, other: State, jars: Mask) -> State:
        """This state, but for some jars that of another of the same fleet."""
        return State(
            _mix(self.circuit, other.circuit, jars),
            _mix(self.ageing, other.ageing, jars),
            _mix(self.count, other.count, jars),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], jars: int) -> State:
        """The state that `as_arrays` gave; `StateMismatchError` where it is another fleet's, or broken."""
        return cls(
            _load(Circuit, "circuit", arrays, jars),
            _load(Ageing, "ageing", arrays, jars),
            _load(Count, "count", arrays, jars),
        )


def _mix(part: Part, other: Part, jars: Mask) -> Part:
    columns = {f.name: np.where(jars, getattr(other, f.name), getattr(part, f.name)) for f in fields(part)}
    return type(part)(**columns)


def _load(kind: type[Part], name: str, arrays: Mapping[str, Array], jars: int) -> Part:
    loaded: dict[str, Array] = {}
    for f in fields(kind):
        key = f"{name}.{f.name}"
        if key not in arrays:
            raise StateMismatchError(f"saved state has no {key}")
        array = np.asarray(arrays[key], np.float64)
        if array.shape != (jars,):
            raise StateMismatchError(f"saved {key} has shape {array.shape}, the fleet has {jars} jars")
        if not np.isfinite(array).all():
            raise StateMismatchError(f"saved {key} holds numbers that are not finite")
        loaded[f.name] = array
    return kind(**loaded)
