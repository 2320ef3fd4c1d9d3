"""Statements in one transaction and one message: what COPY takes follows as soon as the server asks for it.

A query of several statements is one transaction (PostgreSQL manual, "Multiple Statements in a Simple
Query"), so neither BEGIN nor COMMIT nor the end of one COPY costs a round trip. A thread of its own drives
libpq: the event loop sees nothing of it, and the next bytes are made while the server reads the last ones.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import psycopg
from psycopg import errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Stream = Iterable[bytes]  # what one COPY takes

_FAILED: Final = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)


async def run(
    connection: psycopg.AsyncConnection, statements: Sequence[str], streams: Sequence[Stream]
) -> list[int]:
    """Run all or none; `streams` are for the COPY ... FROM STDIN among them, in their order.

    Returns how many rows each statement has written. When it is cancelled or a stream breaks, the connection
    is of no more use.
    """
    query = ";".join(statements).encode()
    async with connection.lock:
        work = asyncio.ensure_future(asyncio.to_thread(_run, connection.pgconn, query, iter(streams)))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            _hang_up(connection.pgconn)
            await asyncio.wait([work])  # whoever closes the connection must not do it under the thread
            work.exception()
            raise


def _run(pgconn: PGconn, query: bytes, streams: Iterator[Stream]) -> list[int]:
    counts = []
    error = None
    pgconn.send_query(query)
    _flush(pgconn)
    while (result := _result(pgconn)) is not None:
        if result.status == ExecStatus.COPY_IN:
            _copy(pgconn, next(streams))
        elif result.status in _FAILED:
            error = error or errors.error_from_result(result)
        else:
            counts.append(result.command_tuples or 0)
    if error is not None:
        raise error
    return counts


def _copy(pgconn: PGconn, stream: Stream) -> None:
    for block in stream:
        while pgconn.put_copy_data(block) == 0:
            _flush(pgconn)
        _flush(pgconn)
    while pgconn.put_copy_end() == 0:
        _flush(pgconn)
    _flush(pgconn)


# libpq could wait by itself, but it would hold the interpreter's lock, and with it the event loop.


def _result(pgconn: PGconn) -> PGresult | None:
    while pgconn.is_busy():
        _wait(pgconn, select.POLLIN)
        pgconn.consume_input()
    return pgconn.get_result()


def _flush(pgconn: PGconn) -> None:
    while pgconn.flush() == 1:
        if _wait(pgconn, select.POLLIN | select.POLLOUT) & ~select.POLLOUT:
            pgconn.consume_input()  # it may not read before it is heard (libpq, PQflush)


def _wait(pgconn: PGconn, events: int) -> int:
    line = select.poll()
    line.register(pgconn.socket, events)
    ((_, found),) = line.poll()
    return found


def _hang_up(pgconn: PGconn) -> None:
    """End the conversation under a thread that waits for an answer; it gets an error instead."""
    try:
        with socket.socket(fileno=os.dup(pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.OperationalError):  # it is over already
        return
