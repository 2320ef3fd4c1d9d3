"""`python -m benchmarks`: measures this machine and prints its tables; it takes about ten minutes.

With names of `PARTS` after it, it measures these alone.
"""

from __future__ import annotations

import logging
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from benchmarks import (
    gateways,
    general,
    history,
    hmi,
    longhistory,
    offline,
    opcua,
    plant,
    predicting,
    scanning,
    servers,
    simulating,
    table,
    tripping,
)
from benchmarks.fleet import index_of, large_file, shipped_file
from benchmarks.login import Door
from benchmarks.opcua import Load
from benchmarks.process import Process
from benchmarks.table import Section
from config.fleetfile import read_fleet_file
from nodeset.index import TagIndex

# A stock server at 1 Hz delivers some 10,000 changes a second; more would measure how it collapses.
STOCK_LOAD: Final = Load({1: 3000, 5: 600, 20: 150}, jars=50)
STOCK_WRITTEN: Final = 30_000  # variables a second that it can set and still answer
SLOW_ITEMS: Final = 1000  # on the general path
PARTS: Final = ("small", "large", "alarms", "parts", "predicting", "history", "stock", "stocklarge", "hmi")


@dataclass(frozen=True)
class Bench:
    """A fleet and the tables of its servers, without security and with it."""

    file: Path
    index: TagIndex
    plain: Section
    secured: Section

    @classmethod
    def of(cls, file: Path, large: bool) -> Bench:
        """Tables to be filled for a fleet file."""
        index = index_of(file)
        memory = 120 + round(index.size / 10_000)
        title = f"{len(index.fleet.jars):,} jars, {index.size:,} variables, "
        plain = Section(title + "security None", table.opcua_lines(memory, False, large), notes=_notes())
        lines = table.opcua_lines(memory, True, large)
        return cls(file, index, plain, Section(title + "SignAndEncrypt", lines, notes=_notes()))

    @property
    def whole(self) -> Load:
        """Everything, for everyone."""
        return Load(dict.fromkeys((1, 5, 20), self.index.size), len(self.index.fleet.jars))


def _notes() -> dict[str, str]:
    notes = {"create": f" (asyncua: {STOCK_LOAD.items[1]:,} items)"}
    for count, items in STOCK_LOAD.items.items():
        notes[f"changes_{count}"] = f" (asyncua: {items:,} items)"
    notes |= dict.fromkeys(("p50", "p99"), f" (asyncua: {STOCK_LOAD.items[5]:,} items)")
    return notes | dict.fromkeys(("browse", "browse_again"), f" (asyncua: {STOCK_LOAD.jars} jars)")


def say(text: str) -> None:
    """Tell what is being measured."""
    print(f"{time.strftime('%X')}  {text}", file=sys.stderr, flush=True)


def ours_small(bench: Bench, slow: Section) -> None:
    """Our server with the shipped fleet: everything."""
    with servers.home() as home:
        identity = servers.trusted(home)
        say("Voltkeep: first start")
        with servers.voltkeep(home, bench.file) as process:
            bench.plain.ours["start"] = process.start_s
        say("Voltkeep: start")
        with servers.voltkeep(home, bench.file) as process:
            plain, secured = Door(process), Door(process, identity)
            fleet = opcua.fleet_of(plain, bench.index)
            bench.plain.ours |= {"restart": process.start_s} | opcua.footprint(plain)
            idle = bench.plain.ours["idle"]
            bench.plain.ours |= opcua.measure(plain, fleet, bench.whole, idle, say)
            bench.plain.ours |= opcua.lateness(plain, fleet.nodes, idle)
            slow.ours |= opcua.general_path(plain, fleet, SLOW_ITEMS, idle, say)
            say("Voltkeep: SignAndEncrypt")
            bench.secured.ours |= opcua.measure(secured, fleet, bench.whole, idle, say)
            say("Voltkeep: alarms")
            slow.ours |= general.events(secured, fleet, opcua.SECONDS)
            slow.ours |= general.beside(secured, plain, fleet, opcua.SECONDS)


def ours_large(bench: Bench) -> None:
    """Our server with the large fleet."""
    with servers.home() as home:
        identity = servers.trusted(home)
        say("Voltkeep, large fleet: first start")
        with servers.voltkeep(home, bench.file) as process:
            bench.plain.ours["start"] = process.start_s
        say("Voltkeep, large fleet: start")
        with servers.voltkeep(home, bench.file) as process:
            plain, secured = Door(process), Door(process, identity)
            fleet = opcua.fleet_of(plain, bench.index)
            bench.plain.ours |= {"restart": process.start_s} | opcua.footprint(plain)
            idle = bench.plain.ours["idle"]
            bench.plain.ours |= opcua.measure(plain, fleet, bench.whole, idle, say)
            say("Voltkeep, large fleet: SignAndEncrypt")
            bench.secured.ours |= opcua.measure(secured, fleet, Load(bench.whole.items, 0), idle, say)


def stock_small(bench: Bench, slow: Section) -> None:
    """What a stock server can be asked."""
    with servers.home() as home:
        say("asyncua: start")
        with servers.stock(home, bench.file, bench.index.size) as process:
            plain, secured = Door(process), Door(process, servers.trusted(home))
            fleet = opcua.fleet_of(plain, bench.index)
            bench.plain.stock |= {"restart": process.start_s} | opcua.footprint(plain)
            idle = bench.plain.stock["idle"]
            bench.plain.stock["commit"] = _median_round(process)
            bench.plain.stock |= opcua.measure(plain, fleet, STOCK_LOAD, idle, say)
            bench.plain.stock |= opcua.lateness(plain, fleet.nodes[: STOCK_LOAD.items[5]], idle)
            slow.stock |= opcua.general_path(plain, fleet, SLOW_ITEMS, idle, say)
            say("asyncua: SignAndEncrypt")
            bench.secured.stock |= opcua.measure(secured, fleet, STOCK_LOAD, idle, say)


def stock_large(bench: Bench) -> None:
    """The same with the large fleet, of which it sets a part each second."""
    with servers.home() as home:
        say("asyncua, large fleet: start (more than a minute)")
        with servers.stock(home, bench.file, STOCK_WRITTEN) as process:
            plain = Door(process)
            fleet = opcua.fleet_of(plain, bench.index)
            bench.plain.stock |= {"restart": process.start_s} | opcua.footprint(plain)
            bench.plain.stock |= opcua.measure(plain, fleet, STOCK_LOAD, bench.plain.stock["idle"], say)


def parts(bench: Bench, found: Section) -> None:
    """Scan, Modbus and historian."""
    index = bench.index
    say("parts of the scan")
    found.ours |= scanning.measure(index) | simulating.measure(index)
    found.ours |= plant.measure(index, scanning.START)
    bench.plain.ours["commit"] = found.ours["commit"]
    with servers.home() as home:
        say("offline simulation")
        found.ours |= offline.measure(read_fleet_file(bench.file), home)
    with servers.home() as home:
        say("Modbus")
        found.ours |= gateways.measure(index, home)
    with servers.home() as home:
        say("historian")
        found.ours |= history.measure(index, home)


def predicted(small: Bench, large: Bench, found: Section) -> None:
    """Remaining life of both fleets."""
    for name, bench in (("shipped", small), ("large", large)):
        figures = predicting.measure(bench.index, bench.file, say)
        found.ours |= {f"{name}_{key}": value for key, value in figures.items()}


def _median_round(process: Process) -> float:
    """Median CPU time [ms] of setting all values, while nobody is subscribed yet."""
    return statistics.median(float(line) for line in process.log.read_text().split())


def main() -> None:
    """Measure and print."""
    # What the parts that run in this process would log stands in no table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    wanted = sys.argv[1:] or PARTS
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"unknown: {', '.join(sorted(unknown))} (known: {', '.join(PARTS)})")
    slow = Section("the general path, and the fast one beside it", table.GENERAL)
    trips = Section("whole sites trip in one scan, 5 subscribers of which one is slow", table.TRIPS)
    scan = Section("parts, shipped fleet", table.PARTS)
    rul = Section("remaining life by the learnt model", table.PREDICTING)
    seats = Section("the HMI, shipped fleet, each scan 1 s", table.HMI)
    pasts: list[Section] = []
    with servers.home() as home:
        small = Bench.of(shipped_file(), False)
        large = Bench.of(large_file(home / "large.yaml"), True)
        run = {
            "small": lambda: ours_small(small, slow),
            "large": lambda: ours_large(large),
            "alarms": lambda: trips.ours.update(tripping.measure(small.index, small.file, say)),
            "parts": lambda: parts(small, scan),
            "predicting": lambda: predicted(small, large, rul),
            "history": lambda: pasts.extend(longhistory.measure(say)),
            "stock": lambda: stock_small(small, slow),
            "stocklarge": lambda: stock_large(large),
            "hmi": lambda: seats.ours.update(hmi.measure(say)),
        }
        try:
            for name in wanted:
                run[name]()
        finally:  # what there is, also when it is cut short
            machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
            table.show(
                (
                    small.plain,
                    small.secured,
                    large.plain,
                    large.secured,
                    slow,
                    trips,
                    scan,
                    rul,
                    *pasts,
                    seats,
                ),
                machine,
            )


if __name__ == "__main__":
    main()
