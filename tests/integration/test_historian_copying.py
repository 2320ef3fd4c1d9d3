"""Several statements in one message: all or none of them, and an end when nobody answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from historian import copying
from historian.connections import connect

COPY = "COPY kept FROM STDIN"


@pytest.fixture
async def connection(database: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await connect(database) as connection:
        await connection.execute("CREATE TEMPORARY TABLE kept (number integer UNIQUE)")
        yield connection


def _broken() -> Iterator[bytes]:
    yield b"1\n"
    raise ZeroDivisionError


async def kept(connection: psycopg.AsyncConnection) -> list[int]:
    cursor = await connection.execute("SELECT number FROM kept ORDER BY number")
    return [number for (number,) in await cursor.fetchall()]


async def test_each_statement_says_how_many_rows_it_wrote(connection: psycopg.AsyncConnection) -> None:
    statements = [COPY, "UPDATE kept SET number = number + 10 WHERE number > 1", COPY]
    counts = await copying.run(connection, statements, [[b"1\n2\n", b"3\n"], iter([b"4\n"])])
    assert counts == [3, 2, 1]
    assert await kept(connection) == [1, 4, 12, 13]  # by the connection's ordinary way, which works as before


async def test_an_error_undoes_what_came_before_it(connection: psycopg.AsyncConnection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match="kept_number_key"):
        await copying.run(connection, [COPY, COPY], [[b"1\n2\n"], [b"2\n"]])
    assert await kept(connection) == []
    assert await copying.run(connection, [COPY], [[b"1\n"]]) == [1]


async def test_much_that_is_refused_at_its_beginning(connection: psycopg.AsyncConnection) -> None:
    rows = [b"x\n", *(b"%d\n" % n * 1000 for n in range(3000))]  # more than any buffer between us holds
    with pytest.raises(psycopg.DataError, match="invalid input syntax"):
        await copying.run(connection, [COPY], [rows])
    assert await kept(connection) == []


async def test_a_database_that_does_not_answer_is_left_at_once(connection: psycopg.AsyncConnection) -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await copying.run(connection, [COPY, "SELECT pg_sleep(60)"], [[b"1\n"]])
    assert time.monotonic() - begin < 5
    with pytest.raises(psycopg.OperationalError):
        await kept(connection)


async def test_rows_that_cannot_be_made_write_nothing(database: str) -> None:
    async with await connect(database) as other, await connect(database) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS copied (number integer)")
        with pytest.raises(ZeroDivisionError):
            await copying.run(connection, ["COPY copied FROM STDIN"], [_broken()])
        await connection.close()
        row = await (await other.execute("SELECT count(*) FROM copied")).fetchone()
        await other.execute("DROP TABLE copied")
    assert row == (0,)
