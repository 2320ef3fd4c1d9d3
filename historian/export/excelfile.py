"""Excel: a heading that stays in view, true times and numbers, as many sheets as the rows need.

The workbook is written row by row with xlsxwriter's constant memory. A text is always a text: whatever it
begins with, it is no formula.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import xlsxwriter

from historian.export.headings import Content, Heading
from historian.export.lines import Lines, Progress
from historian.export.request import ExportError, Request, Step

ROWS: Final = 1_048_576  # of a sheet, its heading among them
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_WIDTHS: Final = {Content.TIME: 20, Content.TEXT: 26, Content.NUMBER: 14, Content.COUNT: 10}
# Excel's day 0, as it counts from March 1900 on.
_DAY_0: Final = dt.datetime(1899, 12, 30)
_DAY: Final = dt.timedelta(days=1)
Put = Callable[[int, int, str], None]


def write_excel(lines: Lines, request: Request, path: Path, progress: Progress) -> None:
    """Write the file at `path`; what xlsxwriter puts aside goes beside it."""
    # Days are rolled up from midnight to midnight UTC: in another zone they would begin at odd hours.
    zone = dt.UTC if request.step is Step.DAILY else _zone(request.zone)
    with xlsxwriter.Workbook(path, {**_OPTIONS, "tmpdir": str(path.parent)}) as workbook:
        sheets = _Sheets(workbook, lines.headings, zone)
        for piece in lines.pieces(progress):
            for row in csv.reader(io.StringIO(piece.decode(), newline="")):
                sheets.write(row)


class _Sheets:
    """Rows into the sheet that has room."""

    def __init__(self, workbook: Any, headings: tuple[Heading, ...], zone: dt.tzinfo) -> None:
        self._workbook = workbook
        self._headings = headings
        self._zone = zone
        self._bold = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._time = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._add_sheet()

    def write(self, row: list[str]) -> None:
        """One line of the export."""
        if self._next == ROWS:
            self._add_sheet()
        for column, (text, put) in enumerate(zip(row, self._puts, strict=True)):
            if text:
                put(self._next, column, text)
        self._next += 1

    def _add_sheet(self) -> None:
        sheet = self._sheet = self._workbook.add_worksheet()
        sheet.freeze_panes(1, 1)
        for i, heading in enumerate(self._headings):
            sheet.set_column(i, i, _WIDTHS[heading.content])
            text = f"{heading.text} ({self._zone})" if heading.content is Content.TIME else heading.text
            sheet.write_string(0, i, text, self._bold)
        self._puts = [self._put(heading.content) for heading in self._headings]
        self._next = 1

    def _put(self, content: Content) -> Put:
        sheet, zone, style = self._sheet, self._zone, self._time

        def put_time(row: int, column: int, text: str) -> None:
            local = dt.datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None)
            sheet.write_number(row, column, (local - _DAY_0) / _DAY, style)

        def put_number(row: int, column: int, text: str) -> None:
            sheet.write_number(row, column, float(text))

        def put_text(row: int, column: int, text: str) -> None:
            sheet.write_string(row, column, text)

        return {Content.TIME: put_time, Content.TEXT: put_text}.get(content, put_number)


def _zone(name: str) -> dt.tzinfo:
    """A time zone by name, UTC for none."""
    if not name:
        return dt.UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ExportError(f"There is no time zone {name}.") from None
