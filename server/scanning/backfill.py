"""A simulated plant's past, written in the background at the first start: trends begin with something (S2).

A process of its own does the work, at low priority, so the scan goes on undisturbed. It notes how far it is:
when the server is stopped half-way, the next start goes on from there. At the end the live twin takes over
what the twin of the past has learnt, as it takes up its own state at a start.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import multiprocessing as mp
import os
import signal
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from analytics.estimate import Parameters
from config.fleetfile import read_fleet_file
from historian import maintenance
from historian.assets import register
from historian.connections import connect
from historian.database import Database
from historian.engine import detect
from historian.outages import add_outages
from historian.partitions import Partitions
from historian.quality import QualityDictionary
from historian.store import Store
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex
from server.maintenance.nameplates import Nameplates
from server.scanning.evaluation import Evaluation
from server.scanning.loading import evaluated, load
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality, Staleness
from server.statefiles import read_arrays, write_arrays
from simulator.mains import log_of_outages
from simulator.past import DAY, Span, past

log = structlog.get_logger(__name__)

NOTE_EVERY: Final = 1.0  # s
NICE: Final = 10
FRESH: Final = DAY  # µs after the past's end in which the live twin has learnt less than that of the past
_END: Final = 5.0  # s that the process may take to end
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True)
class Work:
    """The past of a seed from `begin` to `end` [µs]; `written` is how far it is in the historian."""

    seed: int
    begin: int
    end: int
    written: int = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.written >= self.end

    @property
    def span(self) -> Span:
        """The moments of it."""
        return Span(self.begin, self.end)


@dataclass(frozen=True)
class Place:
    """Where the past of which fleet goes, and where what is known of it is noted."""

    fleet: Path
    home: Path
    url: str | None
    raw_days: int
    staleness: Staleness

    @property
    def note(self) -> Path:
        """How far the work is."""
        return self.home / "state" / "past.json"

    @property
    def twin(self) -> Path:
        """What the twin of the past has learnt, once the work is done."""
        return self.home / "state" / "past-twin.npz"


def begin(place: Place, work: Work) -> None:
    """Note that there is work to do, so that a start after an interruption knows."""
    place.note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = place.note.with_suffix(".new")
    beside.write_text(json.dumps(asdict(work)))
    beside.replace(place.note)


def unfinished(place: Place, seed: int) -> Work | None:
    """What an earlier start has begun and not finished; None where there is nothing."""
    try:
        work = Work(**json.loads(place.note.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        log.warning("the note on the plant's past cannot be read", path=str(place.note), reason=str(error))
        return None
    return None if work.done or work.seed != seed else work


async def backfill(place: Place, work: Work, prognosis: Prognosis) -> None:
    """Have the past written, and the twin take over what can be learnt of it."""
    process = mp.get_context("spawn").Process(target=_fill, args=(place, work), daemon=True)
    began = time.monotonic()
    process.start()
    try:
        await asyncio.to_thread(process.join)
    finally:
        process.terminate()
        process.join(_END)
    if process.exitcode != 0:
        log.error("the plant's past could not be written; the next start goes on", code=process.exitcode)
        return
    log.info("the plant's past is written", scans=work.span.scans, seconds=round(time.monotonic() - began))
    learnt = read_arrays(place.twin)
    if learnt is not None and (prognosis.time or 0) < work.end + FRESH:
        prognosis.restore(learnt)


def _fill(place: Place, work: Work) -> None:
    """The process."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's business
    os.nice(NICE)
    asyncio.run(_write(place, work))


async def _write(place: Place, work: Work) -> None:
    index = TagIndex(build_fleet(read_fleet_file(place.fleet)))
    prognosis = Prognosis(Parameters.of(index.fleet), work.begin)
    evaluation = Evaluation(Quality(index, place.staleness), prognosis)
    # Hours are written as readings like any others, one a row: they are rolled up like others, too, and what
    # reads raw values has the whole past.
    frames = evaluated(index, evaluation, past(index, work.seed, work.span))
    conninfo = Database(place.url, place.home, lambda text: None).conninfo
    async with await connect(conninfo) as connection:
        engine = await detect(connection)
        ids = await register(connection, index.fleet)
        log_book = log_of_outages(index.fleet, work.seed, work.begin, work.end)
        await add_outages(connection, log_book, work.end)
        replaced = await maintenance.read_kind(connection, maintenance.Work.REPLACEMENT, work.end)
    prognosis.renew(Nameplates(index.fleet).renew(replaced))
    # What is too big is the server's to drop, oldest first: it knows what is new.
    store = Store(lambda: connect(conninfo), Partitions(engine, place.raw_days), QualityDictionary())
    try:
        await load(frames, store, ids, work.written, _Noting(place, work))
    finally:
        await store.close()
    write_arrays(place.twin, prognosis.save())
    begin(place, replace(work, written=work.end))


class _Noting:
    """Notes now and then how far the work is."""

    def __init__(self, place: Place, work: Work) -> None:
        self._place, self._work = place, work
        self._at = time.monotonic()

    def __call__(self, written: int) -> None:
        if time.monotonic() - self._at > NOTE_EVERY:
            begin(self._place, replace(self._work, written=written))
            self._at = time.monotonic()
