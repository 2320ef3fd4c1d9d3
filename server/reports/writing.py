"""Writes the file that an order asks for, whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from config.alarmfile import open_alarm_file
from config.fleetfile import read_fleet_file
from historian.export.lines import Connection, Progress
from historian.export.request import Format
from nodeset.fleet import build_fleet
from nodeset.tags import STATES_OF
from server.reports.reading import read_report
from server.reports.request import ReportOrder

_READ: Final = 0.7  # of the work


def write_report(connection: Connection, order: ReportOrder, progress: Progress) -> None:
    """Write the report at the order's path, where it grows; `ExportError` says why it cannot be made."""
    fleet = build_fleet(read_fleet_file(Path(order.fleet)))
    alarms, _ = open_alarm_file(Path(order.alarms), STATES_OF)
    report = read_report(connection, order, fleet, alarms)
    progress(_READ)
    asked = order.request
    given = report, asked.language, asked.calendar, Path(order.path)
    match asked.format:
        case Format.EXCEL:
            from server.reports.excel import write_excel

            write_excel(*given)
        case Format.CSV:
            from server.reports.csvtable import write_csv

            write_csv(*given)
        case _:
            from server.reports.pdf import write_pdf

            write_pdf(*given)
    progress(1.0)
