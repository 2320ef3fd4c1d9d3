"""`voltkeep historian`: how it is, whether the audit trail is whole, and the way to an older version (I1)."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.settings import Settings
from server.console import err, out
from server.errors import RequestError
from server.progress import duration
from server.visit import Config, Home, plain_errors, settings_of, size, url_of

if TYPE_CHECKING:
    from historian.audit import Verdict
    from historian.database import Database
    from historian.status import Backup, RollUps, Status

program = typer.Typer(no_args_is_help=True, help="The historian's database: its state, and care for it.")

_SHOWN: Final = "%Y-%m-%d %H:%M"


@program.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: Config = None,
    home: Home = None,
) -> None:
    """Say which database it is, how large, how far rolled up, and what waits, beside a running server too."""
    from historian.status import status_of
    from historian.visit import visited

    settings = settings_of(config, home)
    with plain_errors(), visited(url_of(settings), settings.home, err.print) as database:
        found = status_of(database.conninfo, settings.home)
        if database.embedded:
            found = replace(found, engine=f"embedded {found.engine}")
    if as_json:
        out.print(json.dumps(asdict(found), indent=2, default=_as_json))
        return
    for line in lines(found, dt.datetime.now(dt.UTC)):
        out.print(line)


@program.command("verify-audit")
def verify_audit(config: Config = None, home: Home = None) -> None:
    """Follow the audit trail's chain of hashes, and say whether each row is as it was written."""
    from historian.visit import visited

    settings = settings_of(config, home)
    with plain_errors(), visited(url_of(settings), settings.home, err.print) as database:
        verdict = asyncio.run(_verdict(database.conninfo))
    if verdict.broken is not None:
        raise RequestError(
            f"Row {verdict.broken:,} of the audit trail is not as it was written, or rows before it are "
            f"missing; the {verdict.rows:,} first ones are whole."
        )
    out.print(f"{verdict.rows:,} rows, each as it was written. Hash of the last: {verdict.hash.hex()}")


@program.command()
def migrate(
    to: Annotated[str, typer.Option("--to", help="Version of the schema, as status says it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    config: Config = None,
    home: Home = None,
) -> None:
    """Bring the schema to another version, for an older Voltkeep; what that does not know is lost."""
    from historian.migrate import known_versions
    from historian.migrate import migrate as bring

    if to not in known_versions():
        raise RequestError(f"There is no version {to}; known are {', '.join(known_versions())}.")
    settings = settings_of(config, home)
    if not yes:
        typer.confirm(f"What only versions after {to} know will be removed. Is there a backup?", abort=True)
    with plain_errors(), _alone(settings) as database:
        bring(database.conninfo, to)
    out.print(f"{database.name} has schema {to}. The Voltkeep of that version can be started on it.")


async def _verdict(conninfo: str) -> Verdict:
    from historian.audit import verify
    from historian.connections import connect

    async with await connect(conninfo) as connection:
        return await verify(connection)


@contextmanager
def _alone(settings: Settings) -> Iterator[Database]:
    """The database, while no server uses it."""
    from historian.visit import alone
    from server.endpoint import check_port

    opcua = settings.opcua
    check_port("OPC UA", opcua.host, opcua.port, "VOLTKEEP_OPCUA_PORT")
    with alone(url_of(settings), settings.home, err.print) as database:
        yield database


def lines(found: Status, now: dt.datetime) -> Iterator[str]:
    """A status in words."""
    yield f"Engine       {found.engine}, schema {found.schema}, {size(found.bytes)}"
    if found.oldest is None or found.newest is None:
        yield "Readings     none yet"
    else:
        behind = duration(max((now - found.newest).total_seconds(), 0.0))
        yield f"Readings     {found.oldest:{_SHOWN}} to {found.newest:{_SHOWN}} UTC, the newest {behind} old"
        yield f"Days         {found.days:,}, of which {found.packed_days:,} are {found.packing}"
    yield f"Roll-ups     {_rolled_up(found.roll_ups)}"
    waiting = [part for part in found.waiting if part.entries]
    told = (f"{part.entries:,} in {part.file} ({size(part.bytes)})" for part in waiting)
    yield f"Waiting      {', '.join(told) or 'nothing'}"
    yield f"Backup       {_backed_up(found.backup, now)}"
    yield ""
    yield f"{'Table':24}{'rows, about':>15}{'size':>12}{'parts':>8}"
    for table in found.tables:
        parts = f"{table.parts:,}" if table.parts else ""
        yield f"{table.name:24}{table.rows:>15,}{size(table.bytes):>12}{parts:>8}".rstrip()


def _rolled_up(found: RollUps) -> str:
    until = "none yet" if found.newest_hour is None else f"to {found.newest_hour:{_SHOWN}}"
    if found.due_since is None:
        return until
    return f"{until}; hours due: {found.due:,}, the first {found.due_since:{_SHOWN}}"


def _backed_up(found: Backup | None, now: dt.datetime) -> str:
    if found is None:
        return "none is known"
    age = duration((now - found.created_at).total_seconds())
    return f"{age} ago, {size(found.bytes)} in {found.file}"


def _as_json(value: object) -> str:
    assert isinstance(value, dt.datetime)
    return value.isoformat()
