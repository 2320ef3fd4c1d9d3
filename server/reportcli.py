"""`voltkeep report`: the report of a month or a week to a file, with or without a running server (U2, H5)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.reportsettings import CALENDARS, LANGUAGES
from config.settings import Settings
from server.console import err
from server.errors import RequestError
from server.progress import Bar
from server.visit import Config, Home, plain_errors, settings_of

if TYPE_CHECKING:
    from historian.export.request import Format

ENDINGS: Final = (".pdf", ".xlsx", ".csv")


def report(
    period: Annotated[str, typer.Argument(help="2026-10, or 2026-W45.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write: .pdf, .xlsx or .csv.")],
    site: Annotated[str, typer.Option("--site", help="A site; else the whole fleet.")] = "",
    language: Annotated[str, typer.Option("--language", help="en or th; else as in the settings.")] = "",
    calendar: Annotated[
        str, typer.Option("--calendar", help="common or buddhist; else as in the settings.")
    ] = "",
    config: Config = None,
    home: Home = None,
) -> None:
    """Write the report of a month or a week: PDF, Excel, or the table of jars as CSV.

    The file is there when it is whole, and not before.
    """
    if language not in ("", *LANGUAGES):
        raise RequestError(f"'{language}' is no language of a report; en and th are.")
    if calendar not in ("", *CALENDARS):
        raise RequestError(f"'{calendar}' is no calendar; common and buddhist are.")
    write(settings_of(config, home), period, out, site, language, calendar)


def write(
    settings: Settings, period: str, out: Path, site: str = "", language: str = "", calendar: str = ""
) -> None:
    """Write a report; `RequestError` says in plain words why not."""
    from config.fleetfile import read_fleet_file
    from historian.export.files import whole
    from historian.export.sources import opened
    from nodeset.fleet import build_fleet
    from server.reports.orders import ReportOrders
    from server.reports.writing import write_report

    form = _format(out)
    orders = ReportOrders(settings, build_fleet(read_fleet_file(settings.fleet)), _now)
    request = orders.request(period, site, form, language, calendar)
    with plain_errors(), whole(out) as aside, Bar(err, "Writing", 100, "%") as bar:
        order = orders.order(request, aside)
        with opened(order.url, settings.home) as connection:
            write_report(connection, order, lambda share: bar(100 * share))
    err.print(f"{out}: {out.stat().st_size:,} bytes")


def _format(out: Path) -> Format:
    from historian.export.request import Format

    if out.suffix.lower() not in ENDINGS:
        raise RequestError(f"A report is a .pdf, a .xlsx or a .csv file, and {out.name} is none.")
    return Format(out.suffix[1:].lower())


def _now() -> int:
    return round(time.time() * 1e6)
