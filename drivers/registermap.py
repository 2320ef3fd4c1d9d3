"""A register map: the one small table that says where a device keeps which tag, read from YAML and checked.

Maps that ship stand in config/maps; a user adds one as a file, with no Python. A wrong map raises
`ConfigurationError` with file, line and key.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from config.settings import HERE
from config.yamlfile import ConfigurationError, Loc, check, load
from nodeset.fleet import AssetType
from nodeset.tags import TAG_OF, Origin

MAPS: Final = HERE / "maps"


class RegisterType(StrEnum):
    """How a value stands in registers: unsigned, signed or IEEE 754 floating, and its bits."""

    U16 = "u16"
    S16 = "s16"
    U32 = "u32"
    S32 = "s32"
    F32 = "f32"

    @property
    def width(self) -> int:
        """Registers that a value takes."""
        return 1 if self.value.endswith("16") else 2


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

    def of(self, kind: RegisterType) -> int:
        """The raw value of a type."""
        return int(getattr(self, kind.value))


class Register(Part):
    """Where a tag stands: value = raw number * scale, in the tag's unit."""

    asset: AssetType
    tag: str
    address: Annotated[int, Field(ge=0, le=0xFFFF, description="of the device's first asset, from 0")]
    type: RegisterType
    stride: Annotated[
        int | None, Field(ge=1, description="registers to the next asset of the device; else side by side")
    ] = None
    scale: Annotated[float, Field(gt=0)] = 1.0
    unit: str | None = None

    @property
    def step(self) -> int:
        """Registers from one asset's value to the next."""
        return self.stride or self.type.width


class RegisterMap(Part):
    """A whole map."""

    name: str
    device: Literal["site", "system", "string"]
    table: Literal["holding", "input"] = "holding"
    word_order: Literal["big", "little"] = "big"
    no_data: NoData = NoData()
    registers: tuple[Register, ...]


def read_map(name: str) -> RegisterMap:
    """Read a map that ships by its name, or one of the user's by its path."""
    shipped = MAPS / f"{name}.yaml"
    path = shipped if shipped.exists() else Path(name)
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in MAPS.glob("*.yaml")))
        raise ConfigurationError(f"modbus.map: there is no map '{name}' (shipped: {known}), nor such a file")
    file = load(path)
    found = check(file, RegisterMap)
    faults = [file.error(loc, message) for loc, message in _contradictions(found)]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return found


def _contradictions(found: RegisterMap) -> Iterator[tuple[Loc, str]]:
    """What the schema cannot say: tags that are not measured, wrong units, values that overlap."""
    if not found.registers:
        yield ("registers",), "a map needs at least one register"
    seen: set[tuple[AssetType, str]] = set()
    for i, register in enumerate(found.registers):
        loc: Loc = ("registers", i)
        tag = TAG_OF.get((register.asset, register.tag))
        if tag is None or tag.origin is not Origin.MEASURED:
            known = ", ".join(t.name for t in TAG_OF.values() if _measured(t.asset, t.name, register.asset))
            message = f"no device measures '{register.tag}' of a {register.asset} (known: {known})"
            yield (*loc, "tag"), message
            continue
        if tag.key in seen:
            yield (*loc, "tag"), f"{register.asset} {register.tag} stands twice"
        seen.add(tag.key)
        symbol = tag.unit.symbol if tag.unit else None
        if register.unit != symbol:
            yield (*loc, "unit"), f"{register.tag} is in {symbol or 'no unit'}, not {register.unit or 'none'}"
        if tag.writable and found.table != "holding":
            yield (*loc, "tag"), f"{register.tag} is a set-point: it stands in a holding register"
        if register.step < register.type.width:
            yield (*loc, "stride"), f"a {register.type} takes {register.type.width} registers"


def _measured(asset: AssetType, name: str, wanted: AssetType) -> bool:
    return asset is wanted and TAG_OF[asset, name].origin is Origin.MEASURED
