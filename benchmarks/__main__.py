"""`python -m benchmarks`: measures this machine and prints one table; it takes some minutes."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from typing import Final

from benchmarks import gateways, history, hmi, opcua, scanning, servers, table
from benchmarks.fleet import shipped_index
from benchmarks.opcua import Load
from benchmarks.process import Process
from nodeset.index import TagIndex

# A stock server at 1 Hz delivers some 10,000 changes a second; more would measure how it collapses.
STOCK_LOAD: Final = Load(items=3000, few_items=500, jars=200)


def say(text: str) -> None:
    """Tell what is being measured."""
    print(f"{time.strftime('%X')}  {text}", file=sys.stderr, flush=True)


def measure_ours(index: TagIndex) -> dict[str, float]:
    """Everything of ours, on servers and databases of its own."""
    load = Load(index.size, index.size, len(index.fleet.jars))
    with servers.home() as home:
        say("Voltkeep: first start")
        with servers.voltkeep(home) as process:
            found = {"start": process.start_s}
        say("Voltkeep: start")
        with servers.voltkeep(home) as process:
            found["restart"] = process.start_s
            found |= opcua.measure(process, index, load, say)
            found |= opcua.measure_secured(process, index, servers.identity(home), say)
    say("parts of the scan")
    found |= scanning.measure(index)
    with servers.home() as home:
        say("Modbus")
        found |= gateways.measure(index, home)
    with servers.home() as home:
        say("historian")
        found |= history.measure(index, home)
    return found


def measure_stock(index: TagIndex) -> dict[str, float]:
    """What a stock server can be asked."""
    with servers.home() as home:
        say("stock asyncua: start")
        with servers.stock(home) as process:
            found = {"restart": process.start_s} | opcua.measure(process, index, STOCK_LOAD, say)
            found["commit"] = _median_round(process)
    return found


def _median_round(process: Process) -> float:
    """Median CPU time [ms] in which the stock server wrote all its values: the quickest tenth of its rounds,
    which is when nobody was subscribed."""
    rounds = sorted(float(line) for line in process.log.read_text().split())
    return statistics.median(rounds[: max(1, len(rounds) // 10)])


def main() -> None:
    """Measure and print."""
    index = shipped_index()
    ours = measure_ours(index)
    stock = measure_stock(index)
    few = f" (asyncua: {STOCK_LOAD.items:,} items)"
    fewer = f" (asyncua: {STOCK_LOAD.few_items:,} items)"
    notes = dict.fromkeys(("create", "changes_1", "share_1"), few)
    notes |= dict.fromkeys(("changes_5", "share_5", "p50", "p99"), fewer)
    notes |= dict.fromkeys(("browse", "browse_again"), f" (asyncua: {STOCK_LOAD.jars:,} jars)")
    notes["changes_1"] += f"; ours had {table.text(ours['changes_a_scan'])} a second"
    machine = (
        f"{index.size:,} variables of {len(index.fleet.jars):,} jars, security None; "
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    )
    table.show(ours, stock, notes, machine)
    say("HMI")
    hmi.main()


if __name__ == "__main__":
    main()
