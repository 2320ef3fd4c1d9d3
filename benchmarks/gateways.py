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
    """Median time of a scan [ms]."""
    sites = len(index.fleet.sites)
    port = free_run(sites)
    environment = {"VOLTKEEP_HOME": str(folder), "VOLTKEEP_MODBUS_PORT": str(port)}
    last = port + sites - 1
    with running(last, folder / "gateways.log", ["-c", _PROGRAM, "simulator"], environment):
        return {"modbus": asyncio.run(_scans(index, Modbus(host=HOST, port=port)))}


async def _scans(index: TagIndex, settings: Modbus) -> float:
    source = ModbusSource(index, settings)
    await source.connect()
    times = []
    try:
        for _ in range(SCANS):
            began = time.perf_counter()
            readings = await source.read(time.time_ns() // 1000)
            times.append(time.perf_counter() - began)
        if len(readings.rows) < 3 * len(index.fleet.jars):
            raise RuntimeError("the gateways did not answer with the whole fleet")
    finally:
        await source.close()
    return 1000 * statistics.median(times)
