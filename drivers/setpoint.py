"""Set-points of a site: where each stands behind the gateway, and its value as registers and back; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drivers.codec import Image
from drivers.registers import Group, Plan
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

    @property
    def width(self) -> int:
        """Registers that it takes."""
        return self.group.type.width

    def registers(self, value: float) -> list[int]:
        """A value to the nearest step; one beyond what the registers can hold is held at their end."""
        image: Image = np.zeros(self.width, np.uint16)
        self.group.put(image, np.array([value]), np.ones(1, np.bool_))
        return [int(register) for register in image]

    def value(self, registers: list[int]) -> float:
        """What registers hold."""
        number, _ = self.group.numbers(np.array(registers, np.uint16))
        return float(number[0])

    def holds(self, value: float) -> bool:
        """Whether a value is within the range, and comes back from the registers to within half a step."""
        slack = 0.501 / abs(float(self.group.steps[0]))
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
        group=replace(
            group,
            points=first,
            offset=first,
            no_data=group.no_data[at : at + 1],
            steps=group.steps[at : at + 1],
            base=group.base[at : at + 1],
            highest=group.highest[at : at + 1],
        ),
    )
