"""A report as PDF, set by Typst (ISO 32000, tagged, fonts embedded).

Typst breaks Thai lines between words and shapes Thai marks; its fonts are ours, so that every machine sets
the same pages.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any, Final

import typst

from historian.export.request import ExportError
from server.reports.document import document
from server.reports.facts import Report

HERE: Final = Path(__file__).parent
TEMPLATE: Final = HERE / "report.typ"
FONTS: Final = HERE / "fonts"


def write_pdf(report: Report, language: str, calendar: str, path: Path) -> None:
    """Write the report at `path`."""
    path.write_bytes(pdf(document(report, language, calendar), report))


def pdf(content: dict[str, Any], report: Report) -> bytes:
    """The bytes of a document: the same for the same content and time."""
    try:
        made = typst.compile(
            TEMPLATE,
            root=HERE,
            font_paths=[FONTS],
            ignore_system_fonts=True,
            sys_inputs={"document": json.dumps(content)},
            timestamp=report.made.astimezone(dt.UTC).replace(microsecond=0),
        )
    except typst.TypstError as error:
        raise ExportError(f"The report cannot be set: {error}") from None
    assert isinstance(made, bytes)
    return made
