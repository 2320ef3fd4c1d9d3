"""A map of SunSpec devices: which point of which model is which tag. Where the models stand, devices tell.

Offsets count from a model's first register, that of its id, as the published definitions do
(github.com/sunspec/models).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from config.yamlfile import Loc
from drivers.registermap import Address, Device, Part, Requests, UnitId, Value, value_faults
from nodeset.tags import TAG_OF

HEADER = 2  # registers of a model's id and length
Offset = Annotated[int, Field(ge=HEADER, le=0xFFFF)]
Register16 = Annotated[int, Field(ge=-0x8000, le=0xFFFF)]


class SunSpecRegister(Value):
    """A tag, and the point that it is.

    The first asset of a device is the first model of this id, the second one the second; with a `stride`, all
    are groups of the first one. Where a tag stands twice, the first of them that a device has counts.
    """

    model: Annotated[int, Field(ge=1, le=0xFFFE, description="id")]
    point: Annotated[str, Field(description="its name in the model, for the reader")]
    at: Annotated[Offset, Field(description="offset of the point")]
    factor: Annotated[Offset | None, Field(description="offset of its scale factor (sunssf)")] = None
    stride: Annotated[int | None, Field(ge=1, description="registers from group to group")] = None


class SunSpecModel(Part):
    """What a map has to know of a model beyond its points; all but `order` is for the simulated device."""

    order: Annotated[
        tuple[Offset, ...], Field(description="points that number the models of this id, such as an index")
    ] = ()
    length: Annotated[int, Field(ge=0, le=0xFFFF, description="registers after the header, without groups")]
    group: Annotated[int, Field(ge=0, description="registers of a group, one for every asset")] = 0
    count: Annotated[Offset | None, Field(description="point that counts the groups")] = None
    signed: Annotated[
        tuple[Offset, ...],
        Field(description="points that are 0x8000 without a value, not 0xFFFF; those of the first group"),
    ] = ()
    constants: Annotated[
        dict[Offset, Register16], Field(default_factory=dict, description="what else the device says")
    ]


class SunSpecMap(Requests):
    """A map that is resolved against each device."""

    name: str
    discovery: Literal["sunspec"]
    device: Annotated[Device, Field(description="what a unit id stands for")]
    first_unit: UnitId = 1
    base: Annotated[Address | None, Field(description="only place to look for the marker 'SunS'")] = None
    gap: Annotated[int, Field(ge=0, le=125, description="unused registers read between two")] = 125
    models: Annotated[dict[int, SunSpecModel], Field(description="by id")]
    registers: tuple[SunSpecRegister, ...]

    @property
    def bases(self) -> tuple[int, ...]:
        """Where the marker may stand, in the order in which it is looked for there."""
        return (40_000, 0, 50_000) if self.base is None else (self.base,)

    def faults(self) -> Iterator[tuple[Loc, str]]:
        """What the schema cannot say."""
        yield from value_faults(self.registers)
        for i, register in enumerate(self.registers):
            loc: Loc = ("registers", i)
            tag = TAG_OF.get((register.asset, register.tag))
            if tag and tag.writable:
                yield (*loc, "tag"), f"{register.tag} is a set-point; a map with fixed addresses can write it"
            if register.model not in self.models:
                known = ", ".join(map(str, self.models)) or "none"
                yield (*loc, "model"), f"model {register.model} is not among `models` ({known})"
