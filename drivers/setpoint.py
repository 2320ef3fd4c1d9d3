"""Set-points of a site: where each stands behind the gateway, and its value as registers and back; pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drivers.registers import NUMBERS, RAWS, Group, Image, Plan, joined, split
from nodeset.index import TagIndex


@dataclass(frozen=True)
class SetPoint:
    """One set-point; `low` and `high` are its EURange.

    `group` holds this one value, at the start of an image of its own.
    """

    row: int
    unit: int
    address: int
    low: float
    high: float
    group: Group
    high_first: bool

    @property
    def width(self) -> int:
        """Registers that it takes."""
        return self.group.type.width

    def registers(self, value: float) -> list[int]:
        """A value to the nearest step; one beyond what the registers can hold is held at their end."""
        image: Image = np.zeros(self.width, np.uint16)
        raw = RAWS[self.group.type](np.array([value]) * self.group.steps)
        split(image, self.group, raw, self.high_first)
        return [int(register) for register in image]

    def value(self, registers: list[int]) -> float:
        """What registers hold."""
        raw = joined(np.array(registers, np.uint16), self.group, self.high_first)
        return float((NUMBERS[self.group.type](raw) / self.group.steps)[0])

    def holds(self, value: float) -> bool:
        """Whether a value is within the range, and comes back from the registers to within half a step."""
        slack = 0.501 / float(self.group.steps[0])
        return self.low <= value <= self.high and abs(self.value(self.registers(value)) - value) <= slack


def set_points_of(index: TagIndex, plan: Plan) -> tuple[SetPoint, ...]:
    """The set-points that a plan reads, in order of unit and address."""
    writable = np.flatnonzero(np.isin(plan.rows, index.writable()))
    found = [
        _set_point(index, plan, group, int(point))
        for group in plan.groups
        for point in writable
        if point in group.points
    ]
    return tuple(sorted(found, key=lambda one: (one.unit, one.address)))


def _set_point(index: TagIndex, plan: Plan, group: Group, point: int) -> SetPoint:
    at = int(np.flatnonzero(group.points == point)[0])
    request = plan.requests[int(plan.request_of_point[point])]
    tag, _ = index.locate(int(plan.rows[point]))
    first = np.zeros(1, np.intp)
    return SetPoint(
        row=int(plan.rows[point]),
        unit=request.unit,
        address=request.address + int(group.offset[at]) - request.offset,
        low=tag.low,
        high=tag.high,
        group=Group(
            group.type, group.no_data, first, first, group.steps[at : at + 1], group.highest[at : at + 1]
        ),
        high_first=plan.high_first,
    )
