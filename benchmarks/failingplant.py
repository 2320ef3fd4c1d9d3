"""`python -m benchmarks.failingplant`: gateways whose jars all hold one voltage, until a file says another.

It serves the registers of a whole fleet over Modbus TCP. `ORDER` in the folder names a voltage and the sites
that fall to it, so that the alarms of thousands of jars are due in one scan.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.fleet import index_of
from config.settings import Modbus
from nodeset.fleet import AssetType
from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.gateway import Gateways
from simulator.plant import Plant

ORDER: Final = "order"
FLOAT: Final = 13.65  # V
_LOOK: Final = 0.02  # s between two looks at the order


def order(folder: Path, voltage: float, sites: list[str]) -> None:
    """Let the jars of these sites fall to a voltage [V]."""
    written = folder / f"{ORDER}.new"
    written.write_text("\n".join([str(voltage), *sites]))
    written.rename(folder / ORDER)  # whole or not at all


async def serve(index: TagIndex, port: int, folder: Path) -> None:
    """Serve until the process is ended."""
    sites = [site.name for site in index.fleet.sites]
    links = Modbus.model_validate({"port": port}).links(sites)
    gateways = Gateways(index, links, lambda _row, _value: None)
    readings = Plant(index, 1, _now()).readings()
    voltage = np.full(len(index.fleet.jars), FLOAT)
    gateways.put(_with(index, readings, voltage))
    await gateways.start()
    while True:
        if (folder / ORDER).exists():
            low, *fallen = (folder / ORDER).read_text().splitlines()
            (folder / ORDER).unlink()
            there = np.isin(np.array(sites)[index.fleet.site_of_jar], fallen)
            voltage = np.where(there, float(low), FLOAT)
            gateways.put(_with(index, readings, voltage))
        await asyncio.sleep(_LOOK)


def _with(index: TagIndex, readings: Readings, voltage: np.ndarray) -> Readings:
    """The readings with these voltages of the jars."""
    jars = index.slice(AssetType.JAR, "Voltage")
    here = (readings.rows >= jars.start) & (readings.rows < jars.stop)
    value = readings.value.copy()
    value[here] = voltage[readings.rows[here] - jars.start]
    return replace(readings, value=value, time=np.full_like(readings.time, _now()))


def _now() -> int:
    return time.time_ns() // 1000


if __name__ == "__main__":
    asyncio.run(serve(index_of(Path(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3])))
