"""The tables: each figure of ours beside the same of stock asyncua, the ratio, and what we aim at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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


@dataclass
class Section:
    """A table: its lines, and what was measured of them; `notes` follow a line's name."""

    title: str
    lines: tuple[Line, ...]
    ours: dict[str, float] = field(default_factory=dict)
    stock: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def opcua_lines(memory: int, secured: bool, large: bool) -> tuple[Line, ...]:
    """Lines of a running server whose memory may be `memory` [MB]."""
    thousand = "≥ 2.2 M" if secured else "≥ 6.3 M"
    share = "≤ 30" if large else "≤ 4"
    return (
        Line("start", "start to listening, first time (makes the database)", "s", "", False),
        Line("restart", "start to listening", "s", "≤ 2", False),
        Line("memory", "memory, once started (RSS)", "MB", f"≤ {memory}", False),
        Line("idle", "scan at 1 Hz, nobody connected", "% of a core", "", False),
        Line("read_1", "Read, 1 node a request", "values/CPU s", "" if secured else "≥ 30 k"),
        Line("read_100", "Read, 100 nodes a request", "values/CPU s"),
        Line("read_1000", "Read, 1,000 nodes a request", "values/CPU s", thousand),
        Line("read_10000", "Read, 10,000 nodes a request", "values/CPU s", thousand),
        Line("read_all", "Read, all types of value, 1,000 nodes a request", "values/CPU s"),
        Line("browse", "Browse, first walk over the jars", "references/CPU s", "≥ 300 k"),
        Line("browse_again", "Browse, the same again", "references/CPU s", "≥ 300 k"),
        Line("create", "create monitored items", "items/CPU s", "≥ 1 M"),
        *(
            line
            for count, text in ((1, "1 subscriber"), (5, "5 subscribers"), (20, "20 subscribers"))
            for line in (
                Line(f"changes_{count}", f"data changes to {text}", "changes/CPU s", "≥ 3 M"),
                Line(
                    f"share_{count}",
                    f"server at 1 Hz with {text}",
                    "% of a core",
                    share if count == 5 and not secured else "",
                    False,
                ),
                Line(f"seen_{count}", f"changes that {text} received", "changes/s"),
            )
        ),
        Line("p50", "scan to subscriber, 10 of them, each 100 ms: median", "ms", "", False),
        Line("p99", "scan to subscriber, 10 of them, each 100 ms: p99", "ms", "≤ 150", False),
        Line("commit", "set every variable once", "ms", "≤ 1", False),
    )


GENERAL: Final = (
    Line("read_text", "Read of Strings, 1,000 nodes a request", "values/CPU s"),
    Line("queued", "data changes of items with a queue of 10", "changes/CPU s"),
    Line("strings", "data changes of Strings", "changes/CPU s"),
    Line("alarms", "alarms in one scan, to 5 listeners", "events each"),
    Line("alarms_s", "from the scan to the last of them", "s", "≤ 0.5", False),
    Line("events", "events sent again by ConditionRefresh", "events/CPU s"),
    Line("beside_general", "general path kept busy: changes and events", "1/s"),
    Line("alone_changes", "fast path alone: changes to 5, each 100 ms", "changes/s"),
    Line("beside_changes", "fast path beside the general one: changes", "changes/s"),
    Line("alone_p99", "fast path alone: scan to subscriber, p99", "ms", "≤ 150", False),
    Line("beside_p99", "fast path beside the general one: p99", "ms", "≤ 150", False),
    Line("alone_trip_p50", "fast path alone: Read of 1 node, median", "ms", "", False),
    Line("beside_trip_p50", "fast path beside the general one: median", "ms", "", False),
    Line("alone_trip_p99", "fast path alone: Read of 1 node, p99", "ms", "", False),
    Line("beside_trip_p99", "fast path beside the general one: p99", "ms", "", False),
)

TRIPS: Final = tuple(
    line
    for key, what in (("site", "one site, 8 conditions a jar"), ("fleet", "the fleet, 2 conditions a jar"))
    for line in (
        Line(f"{key}_due", f"{what}: alarms in one scan", "events"),
        Line(f"{key}_told", "told to each of 4 fast subscribers", "events"),
        Line(f"{key}_took", "from the scan to the last of them", "s", "≤ 0.5", False),
        Line(f"{key}_slow", "told to the slow one, whose queue holds 2,500", "events"),
        Line(f"{key}_overflowed", "it was told that it lost some", "(1: yes)"),
        Line(f"{key}_scans", "scans meanwhile", ""),
        Line(f"{key}_overruns", "of which late", "", "0", False),
        Line(f"{key}_memory", "memory after it (RSS)", "MB", "", False),
        Line(f"{key}_grown", "of which since before it", "MB", "", False),
    )
)

PARTS: Final = (
    Line("scan", "scan without plant and historian", "ms", "", False),
    Line("twin", "of it twin, ageing and remaining life", "ms", "", False),
    Line("circuit", "of that the circuit's filter", "ms", "≤ 0.5", False),
    Line("quality", "of it quality of the readings", "ms", "≤ 1", False),
    Line("alarms", "of it alarms", "ms", "≤ 3", False),
    Line("alarms_count", "conditions of these", "", "", False),
    Line("alarms_trip", "alarms of a scan in which every jar trips", "ms", "", False),
    Line("alarms_memory", "memory of all conditions", "MB", "≤ 20", False),
    Line("simulated_jar", "scan while a jar is simulated", "ms", "", False),
    Line("simulated_sites", "scan while five sites are simulated", "ms", "", False),
    Line("restored", "stop of the last, until values are the plant's", "ms", "≤ 5000", False),
    Line("plant", "simulated plant, one second on float", "ms", "≤ 2", False),
    Line("discharge", "simulated plant, one second on discharge", "ms", "≤ 2", False),
    Line("recharge", "simulated plant, one second on recharge", "ms", "≤ 2", False),
    Line("offline", "offline simulation to Parquet, steps of the fleet", "1/s"),
    Line("offline_rows", "offline simulation to Parquet, rows", "rows/s"),
    Line("offline_cpu", "CPU time of a step of it, all processes", "ms", "", False),
    Line("modbus", "Modbus scan of the fleet, 9 gateways", "ms", "≤ 150", False),
    Line("modbus dead", "The same of 8, beside one that never answers", "ms", "≤ 150", False),
    Line("ingest_ms", "historian: writing a scan of the fleet", "ms", "", False),
    Line("ingest", "historian: rows written", "rows/s"),
    Line("ingest_share", "historian: against bare binary COPY", "%", "≥ 60"),
    Line("offer", "historian: the scan waits for it, median, the database hangs", "ms", "≤ 1", False),
    Line("offer_most", "the same, longest of 200", "ms", "≤ 1", False),
    Line("day", "24 h of a jar raw, 1,440 values", "ms", "", False),
)

PREDICTING: Final = tuple(
    line
    for fleet, most in (("shipped", 2), ("large", 15))
    for line in (
        Line(
            f"{fleet}_predict",
            f"{fleet} fleet: from a year of roll-ups to variables",
            "s",
            f"≤ {most}",
            False,
        ),
        Line(f"{fleet}_predict_first", "the same, first time of the process", "s", "", False),
        Line(f"{fleet}_what_if", "what-if of a jar, longest of 20", "s", "≤ 1", False),
        Line(f"{fleet}_what_if_beside", "the same while the fleet is predicted", "s", "≤ 1", False),
        Line(f"{fleet}_predict_memory", "memory of the process (RSS)", "MB", "", False),
        Line(f"{fleet}_late_quiet", "scans each 0.25 s end after they were due, p99", "ms", "", False),
        Line(f"{fleet}_late_predicting", "the same while the fleet is predicted", "ms", "", False),
        Line(f"{fleet}_late_training", "the same while a model is trained on both cores", "ms", "", False),
    )
)

HMI: Final = (
    *(
        line
        for page, text in (("fleet", "the fleet"), ("site", "a site"), ("heatmap", "the heatmap"))
        for line in (
            Line(
                f"first_{page}",
                f"first view of {text}, cold Chromium: live values painted",
                "s",
                "≤ 1.5",
                False,
            ),
            Line(f"listed_{page}", "the rows of its table", "s", "", False),
            Line(f"cpu_{page}", "CPU time of the browser for the first view", "s", "", False),
            Line(f"again_{page}", "the same once its files are kept", "s", "", False),
            Line(f"requests_{page}", "requests for it, its table included", "", "", False),
            Line(f"fetched_{page}", "fetched for it, its table included", "kB", "", False),
        )
    ),
    Line("idle", "HMI while nobody looks", "% of a core", "", False),
    *(
        line
        for key, text in (
            ("pages", "100 browsers, each with the fleet and a site"),
            ("heat", "100 browsers on the heatmap of 1,944 jars"),
            ("deaf", "the same beside one that does not read"),
        )
        for line in (
            Line(f"{key}_share", f"{text}, at 1 Hz", "% of a core", "≤ 15", False),
            Line(f"{key}_messages", "messages to them", "1/s"),
            Line(f"{key}_data", "data to them", "MB/s", "", False),
            Line(f"{key}_dropped", "browsers dropped", "", "0", False),
            Line(f"{key}_missed", "messages missed", "", "0", False),
            Line(f"{key}_late", "messages more than 3 s after the scan", "", "0", False),
            Line(f"{key}_p99", "from the scan to the browser, p99", "s", "", False),
            Line(f"{key}_longest", "the same, longest", "s", "", False),
        )
    ),
    Line("memory", "memory of the HMI after it (RSS)", "MB", "", False),
)

HISTORY: Final = (
    Line("repeat", "rows loaded by INSERT ... SELECT, all tables", "rows/s"),
    Line("row_bytes", "a jar's row with its index, as written", "bytes", "", False),
    Line("packed_bytes", "a jar's row compressed", "bytes", "≤ 4", False),
    Line("pack_rate", "compression, rows of jars", "rows/s"),
    Line("rolled_up", "roll-ups by hour and day, rows of jars", "rows/s"),
    Line("trend", "30 days of a jar raw, 43,200 values, warm", "ms", "≤ 100", False),
    Line("trend_cold", "the same, nothing of it in memory", "ms", "≤ 300", False),
    Line("hours", "720 hourly averages of a jar, 30 days", "ms", "", False),
    Line("fleet_daily", "30 daily averages of each jar", "ms", "", False),
    Line("latest", "latest values of all assets", "ms", "", False),
    Line("csv", "90 days of a jar, 3 tags, as CSV (129,600 rows)", "ms", "≤ 300", False),
    Line("read_raw", "HistoryRead raw, one client, values", "1/s"),
    Line("read_raw_cpu", "HistoryRead raw, values", "1/CPU s"),
    Line("read_processed", "HistoryRead of hourly averages, one client, values", "1/s"),
    Line("read_processed_cpu", "HistoryRead of hourly averages, values", "1/CPU s"),
)


def show(sections: Iterable[Section], machine: str) -> None:
    """Print what has been measured."""
    console = Console(width=None if Console().is_terminal else 150)
    for section in sections:
        if section.ours or section.stock:
            console.print(_table(section))
    console.print(machine)


def _table(section: Section) -> Table:
    table = Table(title=section.title, title_justify="left")
    table.add_column("figure", min_width=62)
    for name in ("Voltkeep", "asyncua", "ratio", "target"):
        table.add_column(name, justify="right", min_width=8)
    table.add_column("unit", min_width=16)
    for line in section.lines:
        mine, peer = section.ours.get(line.key), section.stock.get(line.key)
        if mine is not None or peer is not None:
            name = line.name + section.notes.get(line.key, "")
            table.add_row(name, text(mine), text(peer), _ratio(line, mine, peer), line.target, line.unit)
    return table


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
