"""A report as an Excel workbook: true numbers and dates, filters, and headings that stay in view."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from server.reports.dates import BUDDHIST
from server.reports.facts import Report
from server.reports.sheets import Cell, Head, Sheet, sheets
from server.reports.wording import Wording

_OPTIONS: Final = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
# Excel's numbers of languages; 0107 before them is the Thai Buddhist calendar (MS-LCID; ECMA-376, 18.8.31).
_BUDDHIST: Final = {"th": "[$-107041E]d mmm yyyy", "en": "[$-1070409]d mmm yyyy"}
_NARROW, _WIDE = 10, 46
_FIRST: Final = 200  # rows that a column's width is measured by


def write_excel(report: Report, language: str, calendar: str, path: Path) -> None:
    """Write the workbook at `path`."""
    say = Wording(language, calendar)
    with xlsxwriter.Workbook(path, {**_OPTIONS, "tmpdir": str(path.parent)}) as workbook:
        made = report.made.replace(tzinfo=None)
        workbook.set_properties({"author": "Voltkeep", "created": made})
        formats = _Formats(workbook, language, calendar)
        for sheet in sheets(report, say):
            _write(workbook.add_worksheet(sheet.name), sheet, formats)


class _Formats:
    """How cells look."""

    def __init__(self, workbook: Any, language: str, calendar: str) -> None:
        heading = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#EEF0F1"}
        self.heading = workbook.add_format(heading)
        self.title = workbook.add_format({"bold": True, "font_size": 14})
        date = _BUDDHIST[language] if calendar == BUDDHIST else "yyyy-mm-dd"
        self.date = workbook.add_format({"num_format": date})
        self.time = workbook.add_format({"num_format": f"{date} hh:mm:ss"})
        self._workbook = workbook
        self._numbers: dict[int, Any] = {}

    def number(self, decimals: int) -> Any:
        """With so many decimals."""
        if decimals not in self._numbers:
            form = "#,##0" + ("." + "0" * decimals if decimals else "")
            self._numbers[decimals] = self._workbook.add_format({"num_format": form})
        return self._numbers[decimals]


def _write(page: Any, sheet: Sheet, formats: _Formats) -> None:
    top = len(sheet.lines)
    for number, line in enumerate(sheet.lines):
        page.write_string(number, 0, line, None if number else formats.title)
    for column, head in enumerate(sheet.heads):
        page.write_string(top, column, head.text, formats.heading)
        page.set_column(column, column, _width(head.text, (row[column] for row in sheet.rows[:_FIRST])))
    for number, row in enumerate(sheet.rows, top + 1):
        for column, (cell, head) in enumerate(zip(row, sheet.heads, strict=True)):
            _put(page, number, column, cell, head.decimals, formats)
    page.freeze_panes(top + 1, 1)
    if sheet.rows:
        page.autofilter(top, 0, top + len(sheet.rows), len(sheet.heads) - 1)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.repeat_rows(top)
    page.fit_to_pages(1, 0)


def _put(page: Any, row: int, column: int, cell: Cell, decimals: int, formats: _Formats) -> None:
    match cell:
        case None | "":
            return
        case dt.datetime():
            page.write_datetime(row, column, cell.replace(tzinfo=None), formats.time)
        case dt.date():
            page.write_datetime(row, column, cell, formats.date)
        case str():
            page.write_string(row, column, cell)
        case _:
            page.write_number(row, column, cell, formats.number(decimals))


def _width(head: str, cells: Iterable[Cell]) -> int:
    longest = max((len(_shown(cell)) for cell in cells), default=0)
    return min(max(longest + 2, max(map(len, head.split())) + 3, _NARROW), _WIDE)


def _shown(cell: Cell) -> str:
    if isinstance(cell, dt.datetime):
        return "2026-10-01 00:00:00"
    return cell if isinstance(cell, str) else "0" * 8


def texts(sheet: Sheet) -> list[list[str]]:
    """Rows as CSV has them: numbers with one decimal more than they are shown with."""
    return [[_text(*each) for each in zip(row, sheet.heads, strict=True)] for row in sheet.rows]


def _text(cell: Cell, head: Head) -> str:
    if isinstance(cell, dt.datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, float):
        return f"{round(cell, head.decimals + 1):.10g}"
    return "" if cell is None else str(cell)
