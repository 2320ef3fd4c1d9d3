"""Cost of a fleet's features: the year read from the embedded database, the features of it, plant years.

Run it in the checkout: `python -m benchmarks.features [large]`; `large` is a fleet of 20,000 jars. The year's
roll-ups are made up in the database; wall time, and CPU time of the database's process and of this one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from analytics.features import features
from analytics.history import Days, Units
from analytics.parameters import Parameters
from analytics.windows import YEAR
from benchmarks import servers
from benchmarks.fleet import large_file, shipped_file
from config.fleetfile import FleetFile, read_fleet_file
from historian.assets import register
from historian.columns import TABLES, Table
from historian.connections import connect
from historian.embedded import Embedded
from historian.migrate import migrate
from historian.periods import Period, make
from nodeset.fleet import AssetType, build_fleet
from server.learning.days import RecentDays
from server.learning.plantyears import PlantYears, record_of

LAST: Final = dt.date(2026, 6, 30)
DAY: Final = (LAST - dt.date(1970, 1, 1)).days + 1
_VALUES: Final = {"sum": "1440 * 1300 + random() * 1000", "count": "1440", "min": "1200", "max": "1400"}


async def _made_up(connection: psycopg.AsyncConnection, table: Table) -> None:
    """A year of daily roll-ups, each day after the other."""
    for year in (LAST.year - 1, LAST.year):
        await connection.execute(make(table.daily, Period.YEAR, dt.date(year, 1, 1)))
    parts = [(f"{column.name}_{part}", part) for column in table.columns for part in column.rolled]
    await connection.execute(
        sql.SQL(
            "INSERT INTO {table} (asset_id, ts, quality, rows, {names}) SELECT id, day, 0, 1440, {values} "
            "FROM generate_series(%s::timestamptz, %s::timestamptz, '1 day') AS day, asset WHERE type = %s "
            "ORDER BY day, id"
        ).format(
            table=sql.Identifier(table.daily),
            names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in parts),
            values=sql.SQL(", ").join(sql.SQL(_VALUES[part]) for _, part in parts),
        ),
        (f"{LAST - dt.timedelta(days=YEAR - 1)}Z", f"{LAST}Z", table.asset.value),
    )


async def _timed(connection: psycopg.AsyncConnection, act: Callable[[], Awaitable[Any]], name: str) -> Any:
    """Do it, and print what it took."""
    theirs, ours, wall = _cpu(connection.info.backend_pid), time.process_time(), time.perf_counter()
    found = await act()
    wall, ours = time.perf_counter() - wall, time.process_time() - ours
    theirs = _cpu(connection.info.backend_pid) - theirs
    print(f"  {name:30} {wall:7.2f} s   CPU: database {theirs:.2f} s, here {ours:.2f} s")
    return found


def _cpu(pid: int) -> float:
    """CPU time [s] of a process."""
    columns = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(columns[11]) + int(columns[12])) / os.sysconf("SC_CLK_TCK")


async def _read(file: FleetFile, home: Path) -> tuple[Days, Units]:
    database, fleet = Embedded(home), build_fleet(file)
    await database.start()
    try:
        await asyncio.to_thread(migrate, database.conninfo)
        async with await connect(database.conninfo) as connection:
            await register(connection, fleet)
            for asset in (AssetType.JAR, AssetType.SYSTEM):
                await _made_up(connection, TABLES[asset])
            await connection.execute("VACUUM ANALYZE")
            reader, parameters = RecentDays(), Parameters.of(fleet)

            async def read() -> tuple[Days, Units]:
                return await reader.read(connection, fleet, parameters, DAY)

            await _timed(connection, read, "year from the database, first")
            found: tuple[Days, Units] = await _timed(connection, read, "the same day again")
        return found
    finally:
        await database.stop()


def main() -> None:
    """Print the figures."""
    with servers.home() as home:
        large = sys.argv[1:] == ["large"]
        file = read_fleet_file(large_file(home / "fleet.yaml") if large else shipped_file())
        print(f"features of {len(build_fleet(file).jars):,} jars")
        days, units = asyncio.run(_read(file, home))
    best = min(_seconds(lambda: features(days, units, DAY)) for _ in range(5))
    print(f"  {'features':30} {best:7.3f} s")
    print(
        f"  {'memory, at the most':30} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:5.0f}   MB"
    )
    years = PlantYears(read_fleet_file(shipped_file()), 100, DAY - 30, DAY)
    cpu = time.process_time()
    for group in years.groups:
        record_of(years, group)
    print(f"  {'a plant year, 1,944 jars, CPU':30} {(time.process_time() - cpu) * 365 / 30:7.1f} s")


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
