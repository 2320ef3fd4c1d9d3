"""`voltkeep export`: history to CSV, Parquet or Excel; the monthly report by its old name (H5)."""

from __future__ import annotations

import datetime as dt
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.settings import Settings
from server.console import err
from server.errors import RequestError
from server.progress import Bar
from server.reportcli import write as write_report
from server.visit import Config, Home, settings_of, url_of

if TYPE_CHECKING:
    from historian.export.lines import Connection, Progress
    from historian.export.request import Format, Request, Step

STDOUT: Final = "-"
_AGO: Final = re.compile(r"-(\d+(?:\.\d+)?)([smhdwy])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_557_600}  # s
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def export(
    variables: Annotated[
        list[str] | None,
        typer.Argument(help="Such as Bangrak/UPS-1/S03/J07.Voltage, Bangrak/**.Temperature, Bangrak."),
    ] = None,
    out: Annotated[str, typer.Option("-o", "--out", help="File to write; - is standard output (CSV).")] = "",
    begin: Annotated[str, typer.Option("--from", help="2026-10-01, 2026-10-01T06:00, or -90d.")] = "-1d",
    end: Annotated[str, typer.Option("--to", help="Time that is not in; likewise.")] = "-0s",
    step: Annotated[str, typer.Option("--step", help="raw, hourly or daily.")] = "raw",
    form: Annotated[
        str, typer.Option("--format", help="csv, parquet or xlsx; by default as the file's name ends.")
    ] = "",
    zone: Annotated[
        str, typer.Option("--time-zone", help="In which Excel shows times; the fleet's, or the site's.")
    ] = "",
    report: Annotated[str, typer.Option("--report", help="As `voltkeep report 2026-10` does, as PDF.")] = "",
    config: Config = None,
    home: Home = None,
) -> None:
    """Write history to a file; times are UTC where they name no other zone.

    It works beside a running server and without one. A file is there when it is whole, and not before.
    """
    settings = settings_of(config, home)
    if not out:
        raise RequestError("Say where to: -o history.csv, .parquet or .xlsx, or -o - for standard output.")
    own = zone or _zone(settings, variables or [])
    try:
        if report:
            write_report(settings, report, Path(out))
        else:
            _write(settings, _request(variables or [], begin, end, step, _format(form, out), own), out)
    except KeyboardInterrupt:
        err.print("Interrupted. No half file is left.")
        raise typer.Exit(130) from None


def _zone(settings: Settings, variables: list[str]) -> str:
    from config.fleetfile import read_fleet_file
    from nodeset.fleet import build_fleet

    return build_fleet(read_fleet_file(settings.fleet)).zone_of(variables).key


def _request(variables: list[str], begin: str, end: str, step: str, form: Format, zone: str) -> Request:
    from historian.export.request import Request

    now = round(time.time() * 1e6)
    return Request(tuple(variables), moment(begin, now), moment(end, now), _step(step), form, zone)


def _write(settings: Settings, request: Request, out: str) -> None:
    from historian.export.csvfile import write_csv
    from historian.export.files import whole, write
    from historian.export.lines import Lines
    from historian.export.request import Format

    with _history(settings) as connection, _progress() as progress:
        if out != STDOUT:
            with whole(Path(out)) as aside:
                write(connection, request, aside, progress)
        elif request.format is Format.CSV:
            _to_stdout(lambda: write_csv(Lines(connection, request), sys.stdout.buffer, progress))
        else:
            raise RequestError("Only CSV goes to standard output; name a file with -o.")
    _tell(out)


def _to_stdout(write: Callable[[], None]) -> None:
    """Whoever reads may have enough, as `head` does; the end is then no error of ours."""
    try:
        write()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None


@contextmanager
def _history(settings: Settings) -> Iterator[Connection]:
    """A connection to the historian's database; errors are for the user."""
    from historian.errors import HistorianError
    from historian.export.sources import opened

    try:
        with opened(url_of(settings), settings.home) as connection:
            yield connection
    except HistorianError as error:
        raise RequestError(str(error)) from None


@contextmanager
def _progress() -> Iterator[Progress]:
    with Bar(err, "Exporting", 100, "%") as bar:
        yield lambda share: bar(100 * share)


def _tell(out: str) -> None:
    if out != STDOUT:
        err.print(f"{out}: {Path(out).stat().st_size:,} bytes")


def moment(text: str, now: int) -> int:
    """µs since 1970 of an ISO 8601 time, or of so long before `now` [µs]."""
    if found := _AGO.fullmatch(text):
        return now - round(float(found[1]) * _UNITS[found[2]] * 1e6)
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(f"'{text}' is no time; 2026-10-01, 2026-10-01T06:00Z and -90d are.") from None
    return ((read if read.tzinfo else read.replace(tzinfo=dt.UTC)) - _EPOCH) // dt.timedelta(microseconds=1)


def _format(form: str, out: str) -> Format:
    from historian.export.request import Format

    name = (form or ("csv" if out == STDOUT else Path(out).suffix.removeprefix("."))).lower()
    if name in (Format.CSV, Format.PARQUET, Format.EXCEL):
        return Format(name)
    raise RequestError(f"'{name}' is no format of an export; .csv, .parquet and .xlsx are.")


def _step(text: str) -> Step:
    from historian.export.request import Step

    if text not in tuple(Step):
        raise RequestError(f"'{text}' is no step; raw, hourly and daily are.")
    return Step(text)
