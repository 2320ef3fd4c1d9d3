"""The table: each figure of ours beside the same of stock asyncua, the ratio, and what we aim at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One figure; `key` is what the measurements call it."""

    key: str
    name: str
    unit: str
    target: str = ""
    more_is_better: bool = True


LINES: Final = (
    Line("start", "start to listening, first time (makes the database)", "s", "", False),
    Line("restart", "start to listening", "s", "≤ 2", False),
    Line("memory", "memory, once started (RSS)", "MB", "≤ 123", False),
    Line("idle", "scan of the fleet at 1 Hz, nobody connected", "% of a core", "", False),
    Line("read_1", "Read, 1 node a request", "values/CPU s", "≥ 30 k"),
    Line("read_100", "Read, 100 nodes a request", "values/CPU s"),
    Line("read_1000", "Read, 1,000 nodes a request", "values/CPU s", "≥ 6.3 M"),
    Line("read_10000", "Read, 10,000 nodes a request", "values/CPU s"),
    Line("secured_1", "the same, signed and encrypted, 1 node a request", "values/CPU s"),
    Line("secured_100", "signed and encrypted, 100 nodes a request", "values/CPU s"),
    Line("secured_1000", "signed and encrypted, 1,000 nodes a request", "values/CPU s", "≥ 2.2 M"),
    Line("secured_10000", "signed and encrypted, 10,000 nodes a request", "values/CPU s"),
    Line("read_all", "Read, all types of value, 1,000 nodes a request", "values/CPU s"),
    Line("browse", "Browse, first walk over the jars", "references/CPU s", "≥ 300 k"),
    Line("browse_again", "Browse, the same again", "references/CPU s", "≥ 300 k"),
    Line("create", "create monitored items", "items/CPU s", "≥ 1 M"),
    Line("changes_1", "data changes delivered to 1 subscriber", "changes/CPU s", "≥ 3 M"),
    Line("changes_5", "data changes delivered to 5 subscribers", "changes/CPU s", "≥ 3 M"),
    Line("share_1", "server at 1 Hz with 1 subscriber of everything", "% of a core", "", False),
    Line("share_5", "server at 1 Hz with 5 subscribers of everything", "% of a core", "≤ 4", False),
    Line("p50", "scan to subscriber, 10 of them, each 100 ms: median", "ms", "", False),
    Line("p99", "scan to subscriber, 10 of them, each 100 ms: p99", "ms", "≤ 150", False),
    Line("commit", "set every variable once", "ms", "≤ 1", False),
    Line("scan", "scan without plant and historian", "ms", "", False),
    Line("twin", "of it twin, ageing and remaining life", "ms", "", False),
    Line("circuit", "of that the circuit's filter", "ms", "≤ 0.5", False),
    Line("alarms", "of it alarms", "ms", "≤ 3", False),
    Line("plant", "simulated plant, one second", "ms", "", False),
    Line("modbus", "Modbus scan of the fleet, 9 gateways", "ms", "≤ 150", False),
    Line("ingest_ms", "historian: writing a scan of the fleet", "ms", "", False),
    Line("ingest", "historian: rows written", "rows/s"),
    Line("ingest_share", "historian: against bare binary COPY", "%", "≥ 60"),
    Line("day", "24 h of a jar raw, 1,440 values", "ms", "", False),
)


def show(ours: dict[str, float], stock: dict[str, float], notes: dict[str, str], machine: str) -> None:
    """Print what has been measured."""
    table = Table(title="Voltkeep beside stock asyncua 2.1.0", caption=machine, caption_justify="left")
    table.add_column("figure")
    for name in ("Voltkeep", "asyncua", "ratio", "target"):
        table.add_column(name, justify="right")
    table.add_column("unit")
    for line in LINES:
        if line.key in ours or line.key in stock:
            mine, peer = ours.get(line.key), stock.get(line.key)
            name = line.name + notes.get(line.key, "")
            table.add_row(name, text(mine), text(peer), _ratio(line, mine, peer), line.target, line.unit)
    Console(width=None if Console().is_terminal else 150).print(table)


def text(value: float | None) -> str:
    """A figure to three digits: 0.123, 12.3, 12.3 k, 1.23 M."""
    if value is None:
        return ""
    for limit, unit in ((1e6, " M"), (1e4, " k")):
        if value >= limit:
            return _digits(value / (1e6 if unit == " M" else 1e3)) + unit
    return _digits(value)


def _digits(value: float) -> str:
    places = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{places}f}"


def _ratio(line: Line, mine: float | None, peer: float | None) -> str:
    """How many times better ours is."""
    if not mine or not peer:
        return ""
    return f"{text(mine / peer if line.more_is_better else peer / mine)} x"
