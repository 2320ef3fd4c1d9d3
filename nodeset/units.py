"""Engineering units: UNECE Recommendation 20 codes, and their OPC UA UnitId (Part 8, 5.6.4.3)."""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "http://www.opcfoundation.org/UA/units/un/cefact"


@dataclass(frozen=True)
class Unit:
    """A unit: what it looks like, its UNECE code and its name."""

    symbol: str
    code: str
    name: str

    @property
    def unit_id(self) -> int:
        """The code's characters as one number, the first in the highest byte."""
        return int.from_bytes(self.code.encode(), "big")


VOLT = Unit("V", "VLT", "volt")
AMPERE = Unit("A", "AMP", "ampere")
CELSIUS = Unit("°C", "CEL", "degree Celsius")
KELVIN = Unit("K", "KEL", "kelvin")
MILLIOHM = Unit("mΩ", "E45", "milliohm")
PERCENT = Unit("%", "P1", "percent")
DAY = Unit("d", "DAY", "day")
MINUTE = Unit("min", "MIN", "minute")
SECOND = Unit("s", "SEC", "second")
MILLISECOND = Unit("ms", "C26", "millisecond")
KILOWATT = Unit("kW", "KWT", "kilowatt")
