"""Numbers in registers: types, order of words and bytes, and how raw numbers turn into values and back.

Pure. A raw number is what the registers of one value hold, read as an unsigned number of its width: uint64,
shape (values,).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index

Image = NDArray[np.uint16]
Raw = NDArray[np.uint64]
Floats = NDArray[np.float64]
End = Literal["big", "little"]


class RegisterType(StrEnum):
    """How a value stands in registers: unsigned, signed or IEEE 754 floating, and its bits."""

    U16 = "u16"
    S16 = "s16"
    U32 = "u32"
    S32 = "s32"
    F32 = "f32"
    U64 = "u64"
    S64 = "s64"
    F64 = "f64"

    @property
    def bits(self) -> int:
        """Bits that a value takes."""
        return int(self.value[1:])

    @property
    def width(self) -> int:
        """Registers that a value takes."""
        return self.bits // 16

    @property
    def unsigned(self) -> str:
        """NumPy's type of as many bits without a sign, in this machine's order."""
        return f"u{self.bits // 8}"

    @property
    def native(self) -> str:
        """NumPy's type of the number, in this machine's order."""
        return {"u": "u", "s": "i", "f": "f"}[self.value[0]] + str(self.bits // 8)


@dataclass(frozen=True)
class Order:
    """Which end comes first: of a value's words, and of the bytes in a register (the protocol's: big)."""

    words: End = "big"
    bytes: End = "big"


def joined(image: Image, offset: Index, kind: RegisterType, order: Order) -> Raw:
    """Raw numbers that begin at `offset` in an image."""
    words = image[offset[:, np.newaxis] + np.arange(kind.width)]
    if order.bytes == "little":
        words = words.byteswap()
    if order.words == "little":
        words = words[:, ::-1]
    whole = np.ascontiguousarray(words, ">u2").view(f">{kind.unsigned}")[:, 0]
    return whole.astype(np.uint64)


def split(image: Image, offset: Index, kind: RegisterType, order: Order, raw: Raw) -> None:
    """Put raw numbers into an image, beginning at `offset`."""
    words = raw.astype(f">{kind.unsigned}")[:, np.newaxis].view(">u2").astype(np.uint16)
    if order.words == "little":
        words = words[:, ::-1]
    if order.bytes == "little":
        words = words.byteswap()
    image[offset[:, np.newaxis] + np.arange(kind.width)] = words


def number_of(raw: Raw, kind: RegisterType) -> Floats:
    """The numbers that raw ones stand for."""
    return raw.astype(kind.unsigned).view(kind.native).astype(np.float64)


def raw_of(number: Floats, kind: RegisterType) -> Raw:
    """Raw numbers of the nearest that a type can hold; its range leaves out the usual no-data value."""
    low, high = _RANGES[kind]
    held = np.clip(number, low, high)
    if kind.native.startswith("f"):
        return held.astype(kind.native).view(kind.unsigned).astype(np.uint64)
    whole = "u8" if kind.native.startswith("u") else "i8"
    return np.round(held).astype(whole).astype(kind.native).view(kind.unsigned).astype(np.uint64)


def _range(kind: RegisterType) -> tuple[float, float]:
    if kind.native.startswith("f"):
        largest = float(np.finfo(kind.native).max)
        return -largest, largest
    if kind.bits == 64:  # the last Double below the end of the range: neighbours are 1,024 or 2,048 apart
        end = 2.0**64 if kind is RegisterType.U64 else 2.0**63
        high = float(np.nextafter(end, 0.0))
        return (0.0 if kind is RegisterType.U64 else -high), high
    if kind.native.startswith("u"):
        return 0.0, 2.0**kind.bits - 2
    high = 2.0 ** (kind.bits - 1) - 1
    return -high, high


_RANGES: Final = {kind: _range(kind) for kind in RegisterType}
