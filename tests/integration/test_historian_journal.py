"""The journal in the database: events, simulations and outages as they were told, in order and once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from config.settings import Historian as Settings
from historian.connections import Connections, connect
from historian.events import ConditionRow, EventJournal, EventRow, Extent, Scope, expire_events
from historian.historian import Historian
from historian.journal import Entry, JournalLedger
from historian.migrate import migrate
from historian.outages import MainsSeen, Outage, add_outages, read_outages
from historian.rowwriter import RowWriter
from historian.simulations import SimulationEnd, SimulationsLeft, SimulationStart, read_simulations
from historian.spill import Spill
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import Mains

Until = Callable[[Callable[[], bool]], "asyncio.Future[None]"]
START = 1_767_225_600_000_000  # 2026-01-01
SECOND = 1_000_000
ALL = Extent(0, 2 * START)
LEDGER = JournalLedger()


def plain(number: int, **fields: object) -> EventRow:
    made = EventRow(
        START + number, number, number.to_bytes(16, "big"), "i=2130", "", 100, False, f"no {number}"
    )
    return made._replace(**fields)


def condition(number: int, source: str = "Bangrak/UPS-1/S01/J01", **state: object) -> EventRow:
    told = ConditionRow(
        "VoltageLow", '{"limits": [9.5, null]}', 1, True, -2, False, 300, 0x4000_0000, 9.1,
        START, 0, START - 5, START + 1, START + 2, 0, "", "",
    )  # fmt: skip
    made = plain(number, type="i=9482", source=source, severity=700)
    return made._replace(condition=told._replace(**state))


@pytest.fixture
async def connection(either: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await connect(either) as connection:
        yield connection


@pytest.fixture
async def connections(either: str) -> AsyncIterator[Connections]:
    connections = Connections(lambda: connect(either))
    yield connections
    await connections.close()


@pytest.fixture
def journal(connections: Connections) -> EventJournal:
    return EventJournal(connections)


async def keep(connection: psycopg.AsyncConnection, *rows: Entry) -> int:
    return await LEDGER.append(connection, LEDGER.packed(rows))


async def numbers(journal: EventJournal, scope: Scope, extent: Extent = ALL, most: int = 1000) -> list[int]:
    return [row.number for row in await journal.read(scope, extent, most)]


async def test_events_come_back_as_they_were(
    connection: psycopg.AsyncConnection, journal: EventJournal
) -> None:
    rows = [
        plain(1, fields={"A/B": [12, "ไทย \" ' \n"]}),
        condition(2),
        condition(3, value=math.inf, comment="checked", user="anna", acked_time=START, quality=0x8000_0000),
        plain(4, simulated=True, type="nsu=urn:voltkeep:types;s=X"),
        condition(5, change=0x1_8000, confirmed=False, confirmed_time=START + 1, branch=1 << 40),
        condition(6, shelved=2, shelved_time=START + 2, shelved_until=START + 3),
        condition(7, suppressed=3, suppressed_time=START + 4, out_of_service=True, service_time=START + 5),
    ]
    assert await keep(connection, *rows) == len(rows) + 1  # and their definition
    assert await journal.read(Scope(), ALL, 10) == rows


async def test_a_condition_without_a_value_has_none_later(
    connection: psycopg.AsyncConnection, journal: EventJournal
) -> None:
    await keep(connection, condition(1, value=math.nan))
    (row,) = await journal.read(Scope(), ALL, 10)
    assert row.condition is not None
    assert math.isnan(row.condition.value)


async def test_text_that_no_database_takes_is_taken(
    connection: psycopg.AsyncConnection, journal: EventJournal
) -> None:
    await keep(connection, condition(1, comment="a\0b\ud800"))
    (row,) = await journal.read(Scope(), ALL, 10)
    assert row.condition is not None
    assert row.condition.comment == "a�b?"


async def test_events_of_an_older_voltkeep_are_read_after_the_upgrade(empty: str) -> None:
    """And what only the newer one knows does not keep anybody from going back."""
    await asyncio.to_thread(migrate, empty, "0012")
    async with await connect(empty) as connection:
        await keep(connection, condition(1, comment="checked", user="anna"))
        await asyncio.to_thread(migrate, empty)
        await keep(connection, condition(2, change=0x8000 | 1, confirmed=False))
    connections = Connections(lambda: connect(empty))
    older, newer = await EventJournal(connections).read(Scope(), ALL, 10)
    await connections.close()
    assert older == condition(1, comment="checked", user="anna")
    assert newer == condition(2, change=0x8000 | 1, confirmed=False)
    await asyncio.to_thread(migrate, empty, "0012")
    async with await connect(empty) as connection:
        cursor = await connection.execute("SELECT change FROM event ORDER BY ts")
        assert await cursor.fetchall() == [(1,), (1,)]


async def test_an_event_is_kept_once(connection: psycopg.AsyncConnection, journal: EventJournal) -> None:
    rows = [condition(1), condition(2)]
    await keep(connection, *rows)
    assert await keep(connection, *rows, condition(3)) == 1
    assert await numbers(journal, Scope()) == [1, 2, 3]


async def test_a_definition_that_was_changed_does_not_change_the_past(
    connection: psycopg.AsyncConnection, journal: EventJournal
) -> None:
    old, new = '{"limits": [9.5]}', '{"limits": [10.0]}'
    await keep(
        connection, condition(1, definition=old), condition(2, definition=new), condition(3, definition=old)
    )
    definitions = [row.condition.definition for row in await journal.read(Scope(), ALL, 10) if row.condition]
    assert definitions == [old, new, old]
    assert await (await connection.execute("SELECT count(*) FROM condition_definition")).fetchone() == (2,)


async def test_events_of_one_scan_are_in_the_order_in_which_they_were_told(
    connection: psycopg.AsyncConnection, journal: EventJournal
) -> None:
    told = [condition(n, "Bangrak") for n in (9, 3, 7, 5)]
    await keep(connection, *[row._replace(time=START, number=i) for i, row in enumerate(told)])
    assert [row.event_id[-1] for row in await journal.read(Scope(), ALL, 10)] == [9, 3, 7, 5]
    first, second = Extent(0, 2 * START), Extent(0, 2 * START, True)
    assert await numbers(journal, Scope(), replace(first, after=(START, 1))) == [2, 3]
    assert await numbers(journal, Scope(), second, 2) == [3, 2]
    assert await numbers(journal, Scope(), replace(second, after=(START, 2))) == [1, 0]


async def test_an_extent_has_its_beginning_and_not_its_end(
    connection: psycopg.AsyncConnection, journal: EventJournal
) -> None:
    await keep(connection, *[plain(n) for n in range(5)])
    assert await numbers(journal, Scope(), Extent(START + 1, START + 3)) == [1, 2]
    assert await numbers(journal, Scope(), Extent(START + 1, START + 3, True)) == [2, 1]


async def test_a_place_has_its_own_events_and_those_below(
    connection: psycopg.AsyncConnection, journal: EventJournal
) -> None:
    sources = ("", "Fleet", "Bang", "Bang/UPS-1", "Bang/UPS-1/S01/J01", "Bang/UPS-11", "Bangrak/UPS-1",
               "Simulation", "Shadow/Bang/UPS-1", "Shadow/Fleet")  # fmt: skip
    await keep(connection, *[plain(n, source=source) for n, source in enumerate(sources)])
    assert await numbers(journal, Scope()) == [*range(10)]
    assert await numbers(journal, Scope.of_assets()) == [*range(1, 10)]
    assert await numbers(journal, Scope.below("Bang")) == [2, 3, 4, 5]
    assert await numbers(journal, Scope.below("Bang/UPS-1")) == [3, 4]
    assert await numbers(journal, Scope.below("Shadow/Bang")) == [8]
    assert await numbers(journal, Scope.mirrored("Simulation")) == [7, 8, 9]


async def test_the_journal_ends_where_its_days_do(
    connection: psycopg.AsyncConnection, journal: EventJournal
) -> None:
    await keep(connection, *[plain(n) for n in range(10)])
    assert [await expire_events(connection, START + 7, most=5) for _ in range(3)] == [5, 2, 0]
    assert await numbers(journal, Scope()) == [7, 8, 9]


async def test_what_an_outage_kept_is_written_in_order_and_once(
    either: str, journal: EventJournal, tmp_path: Path, until: Until
) -> None:
    is_open = False

    async def open_one() -> psycopg.AsyncConnection:
        if not is_open:
            raise psycopg.OperationalError("closed")
        return await connect(either)

    def started() -> RowWriter[Entry]:
        return RowWriter(open_one, Spill(tmp_path / "journal.sqlite", 1e6), LEDGER)

    writer = started()
    for n in range(3):
        writer.offer(condition(n))
        assert (writer.offered, writer.settled) == (n + 1, n)
        await until(lambda: not writer._waiting)
    assert writer.settled == 3  # on disk
    await writer.close()
    is_open = True
    writer = started()
    writer.offer(condition(3))
    await until(lambda: writer.idle)
    await writer.close()
    assert await numbers(journal, Scope()) == [0, 1, 2, 3]


async def test_an_entry_that_no_database_takes_costs_no_other(
    either: str, journal: EventJournal, tmp_path: Path, until: Until
) -> None:
    writer = RowWriter[Entry](lambda: connect(either), Spill(tmp_path / "journal.sqlite", 1e6), LEDGER)
    with capture_logs() as logs:
        for row in (condition(1), condition(2, level=40_000), condition(3)):  # more than a smallint holds
            writer.offer(row)
        await until(lambda: writer.idle)
    await writer.close()
    kept = await journal.read(Scope(), Extent(0, 3 * START), 10)
    assert [row.number for row in kept if row.condition] == [1, 3]
    assert writer.dropped == 1
    (loss,) = [row for row in kept if not row.condition]
    assert (loss.type, loss.message.split()[0]) == ("i=3035", "1")
    assert [log["event"] for log in logs].count("rows of the journal of events are lost") == 1


async def test_entries_on_disk_that_cannot_be_read_do_not_block_the_others(
    either: str, journal: EventJournal, tmp_path: Path, until: Until
) -> None:
    spill = Spill(tmp_path / "journal.sqlite", 1e6)
    for data in (b"event [{", b"strange []", b"\xff", LEDGER.packed([plain(1)])):
        spill.append(data)
    writer = RowWriter[Entry](lambda: connect(either), spill, LEDGER)
    await until(lambda: writer.idle)
    await writer.close()
    assert writer.dropped == 3
    assert 1 in await numbers(journal, Scope())


async def test_a_simulation_has_a_beginning_and_an_end(
    connection: psycopg.AsyncConnection, connections: Connections
) -> None:
    begins = SimulationStart(
        "SIM-1", "CellShort", "Bangrak/UPS-1/S01/J01", {"ohms": 0.5}, START, None, "anna"
    )
    await keep(connection, begins, replace(begins, id="SIM-2", until=START + SECOND))
    await keep(
        connection,
        SimulationEnd("SIM-1", START + 5, "bert", "stopped"),
        SimulationEnd("SIM-1", 9, "", "again"),
    )
    first, second = await read_simulations(connections, 0, 2 * START, 10)
    assert (first.parameters, first.until, first.started_by) == ({"ohms": 0.5}, None, "anna")
    assert (first.ended, first.ended_by, first.reason) == (START + 5, "bert", "stopped")
    assert (second.until, second.ended, second.reason) == (START + SECOND, None, None)
    await keep(connection, SimulationsLeft(START + 9, "the server has ended"))
    first, second = await read_simulations(connections, 0, 2 * START, 10)
    assert (first.ended, second.ended, second.ended_by) == (START + 5, START + 9, None)
    assert await read_simulations(connections, START + 10, 2 * START, 10) == []


async def test_an_outage_is_told_once_however_often_it_is_seen(
    connection: psycopg.AsyncConnection, connections: Connections
) -> None:
    await connection.execute("INSERT INTO asset (type, path) VALUES ('Site', 'Bangrak'), ('Site', 'Sathon')")

    async def seen(site: str, second: int, present: bool) -> None:
        await keep(connection, MainsSeen(site, START + second, present))

    await seen("Bangrak", 0, True)
    await seen("Bangrak", 10, False)
    await seen("Bangrak", 20, False)
    await seen("Sathon", 25, False)
    assert await read_outages(connections, 0, 2 * START, 10) == [
        Outage("Bangrak", START + 10, None),
        Outage("Sathon", START + 25, None),
    ]
    await seen("Bangrak", 30, True)
    await seen("Bangrak", 40, True)
    await seen("Bangrak", 50, False)
    assert await read_outages(connections, 0, 2 * START, 10) == [
        Outage("Bangrak", START + 10, START + 30),
        Outage("Sathon", START + 25, None),
        Outage("Bangrak", START + 50, None),
    ]
    cursor = await connection.execute("SELECT duration FROM outage WHERE ended IS NOT NULL")
    assert [duration.total_seconds() for (duration,) in await cursor.fetchall()] == [20e-6]


async def test_outages_that_are_known_exactly_correct_what_scans_saw(
    connection: psycopg.AsyncConnection, connections: Connections
) -> None:
    await connection.execute("INSERT INTO asset (type, path) VALUES ('Site', 'Bangrak'), ('Site', 'Sathon')")
    known = [
        ("Bangrak", START + 3, START + 9),
        ("Nowhere", START + 4, START + 5),
        ("Sathon", START + 15, START + 45),
        ("Bangrak", START + 30, START + 50),
    ]
    await keep(connection, MainsSeen("Sathon", START + 20, False))  # by the first scan, and it lasts
    for _ in range(2):
        await add_outages(connection, known, START + 40)
        assert await read_outages(connections, 0, 2 * START, 10) == [
            Outage("Bangrak", START + 3, START + 9),
            Outage("Sathon", START + 15, None),
            Outage("Bangrak", START + 30, None),
        ]
    await keep(connection, MainsSeen("Bangrak", START + 51, True))
    await add_outages(connection, known, START + 40)
    assert await read_outages(connections, START + 10, 2 * START, 10) == [
        Outage("Sathon", START + 15, None),
        Outage("Bangrak", START + 30, START + 51),
    ]


async def test_what_scans_see_of_the_mains_becomes_outages(
    either: str, home: Path, small_index: TagIndex, until: Until
) -> None:
    def scan(second: int, mains: Mains, status: int = st.GOOD) -> Frame:
        frame = first_frame(small_index, START).next(START + second * SECOND)
        frame.put(AssetType.SITE, "MainsState", float(mains), status)
        return frame.freeze()

    async def live(*frames: Frame) -> list[Outage]:
        settings = Settings(url=SecretStr(either))
        historian = await Historian.start(settings, home, small_index, lambda text: None)
        for frame in frames:
            historian.offer(frame)
        await until(lambda: historian.journal_writer.idle)
        found = await historian.outages(0, 2 * START, 10)
        await historian.close()
        return found

    first = [
        scan(0, Mains.PRESENT),
        scan(5, Mains.LOST, st.UNCERTAIN_LAST_USABLE_VALUE),
        scan(10, Mains.LOST),
        scan(15, Mains.LOST),
        scan(20, Mains.PRESENT),
        scan(25, Mains.LOST),
    ]
    began, ended = (START + second * SECOND for second in (10, 20))
    assert await live(*first) == [
        Outage("Bangrak", began, ended),
        Outage("Bangrak", START + 25 * SECOND, None),
    ]
    assert await live(scan(60, Mains.LOST), scan(65, Mains.PRESENT)) == [
        Outage("Bangrak", began, ended),
        Outage("Bangrak", START + 25 * SECOND, START + 65 * SECOND),
    ]


async def test_events_are_kept_for_their_days_on_either_engine(
    either: str, home: Path, small_index: TagIndex, until: Until
) -> None:
    settings = Settings(url=SecretStr(either), event_days=100)
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    day = 86_400 * SECOND
    for age in range(0, 200, 20):
        historian.journal_writer.offer(plain(age, time=START - age * day))
    await until(lambda: historian.journal_writer.idle)
    assert historian.journal_writer.written == 10
    historian.offer(first_frame(small_index, START).freeze())  # the plant's clock
    await historian.care.expire()
    assert await numbers(historian.events, Scope()) == [100, 80, 60, 40, 20, 0]
    await historian.close()
