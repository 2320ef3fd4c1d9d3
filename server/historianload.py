"""An offline run straight into the historian: evaluated as live readings are, without alarms (S2).

The embedded database must not be in use by a server, which its lock tells; a database of one's own may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import psycopg

from analytics.estimate import Parameters
from config.settings import Settings
from historian.assets import register
from historian.database import Database
from historian.engine import detect
from historian.errors import HistorianError
from historian.migrate import migrate
from historian.outages import add_outages
from historian.partitions import Partitions
from historian.quality import QualityDictionary
from historian.store import Store
from nodeset.fleet import Fleet, build_fleet
from nodeset.index import TagIndex
from server.errors import RequestError
from server.scanning.evaluation import Evaluation
from server.scanning.loading import evaluated, load
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality, Staleness
from simulator.mains import log_of_outages
from simulator.offline.job import Job
from simulator.offline.readings import readings
from simulator.past import DAY

JAR_BYTES: Final = 156.0  # of a jar's row with its share of the others', uncompressed, with their indices
_SECOND: Final = 1_000_000  # µs


def estimated_bytes(job: Job) -> float:
    """About how much the database grows."""
    return job.steps * JAR_BYTES * len(build_fleet(job.part).jars)


def fault(job: Job, settings: Settings, now: int) -> str | None:
    """Why a job cannot be loaded at `now` [µs], for the user; None when it can."""
    if job.end > now:
        return "What is loaded must be past: take an earlier --start, or fewer --years or --days."
    needed, most = estimated_bytes(job) / 1e9, settings.historian.max_gb
    if settings.historian.url is None and needed > most:
        return (
            f"About {needed:,.0f} GB would be loaded, and the embedded database holds {most:g} GB "
            "(historian.max_gb). A longer --step, fewer --sites or --days need less."
        )
    return None


def warning(job: Job, settings: Settings, now: int) -> str | None:
    """What the user should know before it begins."""
    days = settings.historian.raw_days
    if job.start >= now - days * DAY:
        return None
    return f"The server drops what is older than {days} days (historian.raw_days), and some of this is."


async def load_job(job: Job, settings: Settings, progress: Callable[[int], None]) -> int:
    """Write all scans and give the number of new rows; `progress` hears how many scans are done.

    `RequestError` says why not.
    """
    url = None if settings.historian.url is None else settings.historian.url.get_secret_value()
    settings.home.mkdir(parents=True, exist_ok=True)
    database = Database(url, settings.home, lambda text: None)
    try:
        await database.start()
        try:
            return await _load(job, settings, database, progress)
        finally:
            await database.stop()
    except (HistorianError, psycopg.Error, OSError) as error:
        raise RequestError(f"{database.name} cannot be used: {str(error).strip()}") from None


async def _load(job: Job, settings: Settings, database: Database, progress: Callable[[int], None]) -> int:
    index = TagIndex(build_fleet(job.part))
    async with await database.connect() as connection:
        engine = await detect(connection)
        await asyncio.to_thread(migrate, database.conninfo)
        ids = await register(connection, index.fleet)
        await _load_outages(connection, job, index.fleet)
    scan = settings.scan
    staleness = Staleness(scan.stale_scans, round(scan.lost_after * _SECOND))
    prognosis = Prognosis(Parameters.of(index.fleet), job.start)
    frames = evaluated(index, Evaluation(Quality(index, staleness), prognosis), readings(job, index))
    partitions = Partitions(engine, settings.historian.raw_days)
    store = Store(database.connect, partitions, QualityDictionary())
    try:
        return await load(frames, store, ids, 0, lambda time: progress((time - job.start) // job.step + 1))
    finally:
        await store.close()


async def _load_outages(connection: psycopg.AsyncConnection, job: Job, fleet: Fleet) -> None:
    """What the sites' log books say of the mains; nobody looks on after the end."""
    found = log_of_outages(fleet, job.seed, job.start, job.end)
    await add_outages(
        connection, [(site, began, min(ended, job.end)) for site, began, ended in found], job.end
    )
