"""A register map: the one small table that says where a device keeps which tag, and how it stands there.

`Value` is what every map says of a tag; `RegisterMap` is the kind of map whose addresses are known
beforehand (`drivers.sunspecmap` has the other). What a map may not say though its schema allows it is found
here, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from config.yamlfile import Loc
from drivers.codec import End, Order, RegisterType
from drivers.spans import LONGEST_REQUEST, RequestLimits
from nodeset.fleet import AssetType
from nodeset.tags import TAG_OF, Kind, Origin

Device = Literal["site", "system", "string"]
Address = Annotated[int, Field(ge=0, le=0xFFFF)]
UnitId = Annotated[int, Field(ge=1, le=247)]
RawValue = Annotated[int, Field(ge=0, le=0xFFFF_FFFF_FFFF_FFFF)]


class Part(BaseModel):
    """A mapping of the map file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoData(Part):
    """Raw value that stands for no value, by type; a floating NaN always does."""

    u16: Annotated[int, Field(ge=0, le=0xFFFF)] = 0xFFFF
    s16: Annotated[int, Field(ge=0, le=0xFFFF)] = 0x8000
    u32: Annotated[int, Field(ge=0, le=0xFFFF_FFFF)] = 0xFFFF_FFFF
    s32: Annotated[int, Field(ge=0, le=0xFFFF_FFFF)] = 0x8000_0000
    f32: Annotated[int, Field(ge=0, le=0xFFFF_FFFF)] = 0x7FC0_0000
    u64: RawValue = 0xFFFF_FFFF_FFFF_FFFF
    s64: RawValue = 0x8000_0000_0000_0000
    f64: RawValue = 0x7FF8_0000_0000_0000

    def of(self, kind: RegisterType) -> int:
        """The raw value of a type."""
        return int(getattr(self, kind.value))


class Value(Part):
    """A tag and how it is written: value = raw number * scale + offset, in the tag's unit."""

    asset: AssetType
    tag: str
    type: RegisterType
    scale: Annotated[
        float, Field(description="tag's unit a step; negative where the device counts the other way")
    ] = 1.0
    offset: Annotated[float, Field(description="in the tag's unit, added after scaling")] = 0.0
    unit: Annotated[str | None, Field(description="the tag's unit, as a check")] = None
    states: Annotated[
        dict[int, str] | None, Field(description="the tag's states by raw number; others are no value")
    ] = None
    no_data: Annotated[RawValue | None, Field(description="raw value of no value, if not the map's")] = None

    @field_validator("scale")
    @classmethod
    def _a_step(cls, scale: float) -> float:
        if scale == 0.0:
            raise ValueError("a step is not 0")
        return scale

    @property
    def steps(self) -> float:
        """Raw steps a unit."""
        return 1.0 / self.scale

    @property
    def highest(self) -> float:
        """The last state of a discrete value whose raw numbers are its states; NaN for others."""
        tag = TAG_OF[self.asset, self.tag]
        return tag.high if tag.kind is Kind.STATE and self.states is None else float("nan")


class Register(Value):
    """Where a tag stands in every device."""

    address: Annotated[Address, Field(description="of the device's first asset, from 0")]
    stride: Annotated[
        int | None, Field(ge=1, description="registers to the next asset of the device; else side by side")
    ] = None
    device: Annotated[Device | None, Field(description="that a unit id stands for, if not the map's")] = None
    first_unit: Annotated[UnitId | None, Field(description="unit id of the first device, likewise")] = None

    @property
    def step(self) -> int:
        """Registers from one asset's value to the next."""
        return self.stride or self.type.width


class Blocks(Part):
    """Jars stand in blocks, the same registers again and again, as monitors of so many inputs have them."""

    jars: Annotated[int, Field(ge=1, le=1000, description="of a block")]
    next: Annotated[
        Literal["unit"] | Annotated[int, Field(ge=1, le=0xFFFF)],
        Field(description="where the next block is: in the next unit id, or so many registers on"),
    ]

    @field_validator("next", mode="before")
    @classmethod
    def _unit_or_registers(cls, value: object) -> object:
        if value != "unit" and not (isinstance(value, int) and 0 < value <= 0xFFFF):
            raise ValueError("Input should be 'unit', or registers from block to block")
        return value


class TimeRegister(Part):
    """Seconds since 1970 at which the device measured: the source time of its values."""

    address: Address
    type: Literal["u32", "u64"] = "u32"
    each: Annotated[Literal["unit", "block"], Field(description="has a time of its own")] = "unit"
    utc_offset: Annotated[float, Field(ge=-14, le=14, description="[h] of a device in local time")] = 0.0
    ahead: Annotated[float, Field(ge=0, description="[s] at most before ours to be believed")] = 60.0
    behind: Annotated[float, Field(gt=0, description="[s] at most after ours to be believed")] = 300.0
    frozen_after: Annotated[
        float, Field(gt=0, description="[s] without a change until its values are no longer new")
    ] = 90.0

    @property
    def kind(self) -> RegisterType:
        """How the seconds stand in registers."""
        return RegisterType(self.type)


class Requests(Part):
    """What every map says of reading: the limits of its devices."""

    max_registers: Annotated[int, Field(ge=1, le=LONGEST_REQUEST, description="in one request")] = (
        LONGEST_REQUEST
    )
    gap: Annotated[int, Field(ge=0, le=LONGEST_REQUEST, description="unused registers read between two")] = 0
    page: Annotated[
        int, Field(ge=0, le=0x8000, description="no request crosses a multiple of it; 0: there are none")
    ] = 0

    @property
    def limits(self) -> RequestLimits:
        """The limits of a request."""
        return RequestLimits(self.max_registers, self.gap, self.page)


class RegisterMap(Requests):
    """A map with fixed addresses."""

    name: str
    device: Annotated[Device, Field(description="what a unit id stands for")]
    first_unit: UnitId = 1
    table: Literal["holding", "input"] = "holding"
    word_order: Annotated[End, Field(description="the end of a value at the lower address")] = "big"
    byte_order: Annotated[End, Field(description="the end of a register sent first")] = "big"
    no_data: NoData = NoData()
    blocks: Blocks | None = None
    time: TimeRegister | None = None
    registers: tuple[Register, ...]

    @property
    def order(self) -> Order:
        """Word and byte order."""
        return Order(self.word_order, self.byte_order)

    def faults(self) -> Iterator[tuple[Loc, str]]:
        """What the schema cannot say: tags that are not measured, wrong units, values that overlap."""
        yield from value_faults(self.registers)
        for i, register in enumerate(self.registers):
            loc: Loc = ("registers", i)
            if register.step < register.type.width:
                yield (*loc, "stride"), f"a {register.type} takes {register.type.width} registers"
            tag = TAG_OF.get((register.asset, register.tag))
            if tag and tag.writable and self.table != "holding":
                yield (*loc, "tag"), f"{register.tag} is a set-point: it stands in a holding register"
        yield from _twice(self.registers)
        widest = max((register.type.width for register in self.registers), default=1)
        if self.max_registers < widest:
            yield ("max_registers",), f"a value of this map takes {widest}"
        if self.time and self.time.each == "block" and not (self.blocks and self.blocks.next != "unit"):
            yield ("time", "each"), "there are no blocks of registers"


def value_faults(values: tuple[Value, ...]) -> Iterator[tuple[Loc, str]]:
    """What is wrong with values, whatever the map: no measured tag, another unit, unknown states."""
    if not values:
        yield ("registers",), "a map needs at least one register"
    for i, value in enumerate(values):
        loc: Loc = ("registers", i)
        tag = TAG_OF.get((value.asset, value.tag))
        if tag is None or tag.origin is not Origin.MEASURED:
            known = ", ".join(t.name for t in TAG_OF.values() if _measured(t.asset, t.name, value.asset))
            yield (*loc, "tag"), f"no device measures '{value.tag}' of a {value.asset} (known: {known})"
            continue
        symbol = tag.unit.symbol if tag.unit else None
        if value.unit != symbol:
            yield (*loc, "unit"), f"{value.tag} is in {symbol or 'no unit'}, not {value.unit or 'none'}"
        if value.states is not None and tag.kind is not Kind.STATE:
            yield (*loc, "states"), f"{value.tag} has no states"
        for raw, state in (value.states or {}).items():
            if tag.kind is Kind.STATE and state not in tag.states:
                yield (*loc, "states", str(raw)), f"'{state}' is no state (known: {', '.join(tag.states)})"
        if value.no_data is not None and value.no_data >= 2**value.type.bits:
            yield (*loc, "no_data"), f"a {value.type} has {value.type.bits} bits"


def _twice(registers: tuple[Register, ...]) -> Iterator[tuple[Loc, str]]:
    seen = set()
    for i, register in enumerate(registers):
        if (register.asset, register.tag) in seen:
            yield ("registers", i, "tag"), f"{register.asset} {register.tag} stands twice"
        seen.add((register.asset, register.tag))


def _measured(asset: AssetType, name: str, wanted: AssetType) -> bool:
    return asset is wanted and TAG_OF[asset, name].origin is Origin.MEASURED
