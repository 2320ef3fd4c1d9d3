"""The jars of a report as CSV (RFC 4180), in UTF-8 with a mark by which Excel knows that."""

from __future__ import annotations

import csv
from pathlib import Path

from server.reports.excel import texts
from server.reports.facts import Report
from server.reports.sheets import jars
from server.reports.wording import Wording


def write_csv(report: Report, language: str, calendar: str, path: Path) -> None:
    """Write the file at `path`."""
    sheet = jars(report, Wording(language, calendar))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([head.text for head in sheet.heads])
        writer.writerows(texts(sheet))
