"""A Modbus scan of the whole fleet: nine gateways in a process of their own, read over the loopback."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks.process import HOST, free_run, running
from config.settings import Modbus
from drivers.modbus import ModbusSource
from nodeset.index import TagIndex

SCANS: Final = 20
_PROGRAM: Final = "import sys; from server.cli import main; sys.exit(main())"


def measure(index: TagIndex, folder: Path) -> dict[str, float]:
    """Median time of a scan [ms], with all gateways well and with one that never answers."""
    sites = [site.name for site in index.fleet.sites]
    return {
        "modbus": _measure(index, folder, sites),
        "modbus dead": _measure(index, folder, sites[1:], "--mute", sites[0]),
    }


def _measure(index: TagIndex, folder: Path, well: list[str], *options: str) -> float:
    port = free_run(len(index.fleet.sites))
    last = port + len(index.fleet.sites) - 1
    program = ["-c", _PROGRAM, "gateway-sim", "--port", str(port), *options]
    if options:
        program += ["--sites", ",".join(well)]
    with running(last, folder / "gateways.log", program, {"VOLTKEEP_HOME": str(folder)}):
        return asyncio.run(_scans(index, Modbus(host=HOST, port=port), well))


async def _scans(index: TagIndex, settings: Modbus, well: list[str]) -> float:
    source = ModbusSource(index, settings)
    rows = [row for row in index.measured().tolist() if index.path(row).split("/")[0] in well]
    await source.connect()
    times = []
    try:
        for _ in range(SCANS):
            began = time.perf_counter()
            readings = await source.read(time.time_ns() // 1000)
            times.append(time.perf_counter() - began)
            if len(set(rows) & set(readings.rows.tolist())) < 0.99 * len(rows):
                raise RuntimeError("the gateways did not answer with all that they have")
    finally:
        await source.close()
    return 1000 * statistics.median(times)
