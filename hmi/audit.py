"""The audit trail as the server gives it to administrators (`Objects/Fleet/Audit`, method Read)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.history import time_of
from hmi.management import rows
from hmi.topology import Topology

_OWNER: Final = "Audit"
_COLUMNS: Final = (
    "time",
    "type",
    "action",
    "user",
    "peer",
    "session",
    "entry",
    "status",
    "target",
    "old",
    "new",
    "repeats",
)
_MILLISECOND: Final = 1000  # µs


@dataclass(frozen=True)
class Question:
    """The newest `most` entries from `start` to before `end` [ms since 1970]; ValueError for no span."""

    start: int
    end: int
    most: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError("no span of time")
        try:
            time_of(self.end * _MILLISECOND)
        except OverflowError:
            raise ValueError("no time") from None


async def read(client: Client, topology: Topology, asked: Question) -> list[dict[str, Any]]:
    """The entries, newest first; each `status` as its name."""
    arguments = [
        ua.Variant(time_of(asked.end * _MILLISECOND), ua.VariantType.DateTime),
        ua.Variant(time_of(asked.start * _MILLISECOND), ua.VariantType.DateTime),
        ua.Variant(asked.most, ua.VariantType.UInt32),
    ]
    owner, method = topology.node(_OWNER), topology.node(f"{_OWNER}.Read")
    (result,) = await client.uaclient.call([ua.CallMethodRequest(owner, method, arguments)])
    result.StatusCode.check()
    found = rows(_COLUMNS, [argument.Value for argument in result.OutputArguments])
    for row in found:
        code = row["status"]
        row["good"] = code >> 30 == 0
        row["status"] = "Good" if code == 0 else ua.StatusCode(code).name
        row["type"] = _name(row["type"])
    return found


def _name(number: int) -> str:
    """`AuditWriteUpdateEventType` -> `WriteUpdate`."""
    name: str = ua.ObjectIdNames.get(number, str(number))
    return name.removeprefix("Audit").removesuffix("EventType")
