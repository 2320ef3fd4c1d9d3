"""Records of maintenance: what was done and what tests showed, and the calls that record more (R9).

Times are ms since 1970. `work` and `tests` ask the server (`Objects/Fleet/Maintenance`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.history import time_of
from hmi.management import Rows, rows
from hmi.methods import calling, outputs
from hmi.topology import Topology

OWNER: Final = "Maintenance"
_V: Final = ua.VariantType
_MILLISECOND: Final = 1000  # µs
_ENTRY: Final = ("asset", "began", "ended")
_WORK: Final = (*_ENTRY, "kind", "done_by", "note", "serial", "baseline", "recorded", "recorded_by")
_TEST: Final = (
    *_ENTRY,
    "current",
    "end_voltage",
    "temperature",
    "capacity",
    "rated",
    "health",
    "done_by",
    "note",
)
MOST_AT_ONCE: Final = 300  # assets of a round
_MOST_TEXT: Final = 2000  # characters
LISTS: Final = {"work": ("ListMaintenance", _WORK), "tests": ("ListCapacityTests", _TEST)}


@dataclass(frozen=True)
class Question:
    """Which of `LISTS`, and what began at an asset (empty: the fleet) from `start` to before `end`.

    ValueError for what is no list or no span of time.
    """

    which: str
    asset: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.which not in LISTS or not 0 <= self.start < self.end:
            raise ValueError("no question")
        moment(self.end)


@dataclass(frozen=True)
class Work:
    """What was done to an asset; `ended` is None while it lasts.

    `baseline` [mΩ at 25 °C] is 0 where it is not known.
    """

    asset: str
    kind: str
    began: int
    ended: int | None
    done_by: str
    note: str
    serial: str
    baseline: float


@dataclass(frozen=True)
class CapacityTest:
    """A discharge to the end voltage [V]: current [A], temperature [°C], charges [Ah].

    `rated` is 0 where the server is to work it out from the jar's model.
    """

    asset: str
    began: int
    ended: int
    current: float
    end_voltage: float
    temperature: float
    capacity: float
    rated: float
    done_by: str
    note: str


async def listed(client: Client, topology: Topology, asked: Question) -> Rows:
    """What is recorded, the newest first; `ua.UaStatusCodeError` where the server refuses."""
    method, names = LISTS[asked.which]
    times = (ua.Variant(moment(time), _V.DateTime) for time in (asked.start, asked.end))
    asset, most = ua.Variant(asked.asset, _V.String), ua.Variant(0, _V.UInt32)
    return rows(names, await outputs(client, topology, OWNER, method, asset, *times, most))[::-1]


def recording(topology: Topology, work: Work) -> ua.CallMethodRequest:
    """The call that records work."""
    return calling(
        topology,
        OWNER,
        "RecordMaintenance",
        ua.Variant(work.asset, _V.String),
        ua.Variant(work.kind, _V.String),
        ua.Variant(moment(work.began), _V.DateTime),
        ua.Variant(ua.win_epoch_to_datetime(0) if work.ended is None else moment(work.ended), _V.DateTime),
        *(ua.Variant(text, _V.String) for text in (work.done_by, work.note, work.serial)),
        ua.Variant(work.baseline, _V.Double),
    )


def testing(topology: Topology, test: CapacityTest) -> ua.CallMethodRequest:
    """The call that records a capacity test."""
    figures = (test.current, test.end_voltage, test.temperature, test.capacity, test.rated)
    return calling(
        topology,
        OWNER,
        "RecordCapacityTest",
        ua.Variant(test.asset, _V.String),
        *(ua.Variant(moment(time), _V.DateTime) for time in (test.began, test.ended)),
        *(ua.Variant(figure, _V.Double) for figure in figures),
        *(ua.Variant(text, _V.String) for text in (test.done_by, test.note)),
    )


def moment(milliseconds: int) -> Any:
    """A time for OPC UA; ValueError beyond the calendar."""
    try:
        return time_of(milliseconds * _MILLISECOND)
    except OverflowError:
        raise ValueError("no time") from None


def wanted(topology: Topology, action: str, asked: Any) -> list[ua.CallMethodRequest]:
    """The calls that a browser wants, one an asset; ValueError, TypeError, KeyError or so for nonsense."""
    texts = {name: _text(asked.get(name) or "") for name in ("done_by", "note", "serial")}
    assets = [_text(asset) for asset in asked["assets"]]
    if not 0 < len(assets) <= MOST_AT_ONCE:
        raise ValueError("no assets")
    if action not in ("work", "test"):
        raise ValueError("no action")
    if action == "test":
        (asset,) = assets
        return [testing(topology, _test(asked, asset, texts))]
    kind, baseline = _text(asked["kind"]), _number(asked.get("baseline") or 0)
    began, ended = int(asked["began"]), asked.get("ended")
    last = None if ended is None else int(ended)
    works = (Work(asset, kind, began, last, **texts, baseline=baseline) for asset in assets)
    return [recording(topology, work) for work in works]


def _test(asked: Any, asset: str, texts: Mapping[str, str]) -> CapacityTest:
    return CapacityTest(
        asset,
        int(asked["began"]),
        int(asked["ended"]),
        current=_number(asked["current"]),
        end_voltage=_number(asked["end_voltage"]),
        temperature=_number(asked["temperature"]),
        capacity=_number(asked["capacity"]),
        rated=_number(asked.get("rated") or 0),
        done_by=texts["done_by"],
        note=texts["note"],
    )


def _text(text: Any) -> str:
    if not isinstance(text, str) or len(text) > _MOST_TEXT:
        raise ValueError("no text")
    return text.strip()


def _number(number: Any) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("no number")
    return value
