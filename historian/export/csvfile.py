"""CSV (RFC 4180, lines ended by LF, UTF-8): the database's own lines below one line of headings."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from historian.export.lines import Lines, Progress


def write_csv(lines: Lines, file: BinaryIO, progress: Progress) -> None:
    """Write all to an open file."""
    file.write(_line([heading.text for heading in lines.headings]))
    for piece in lines.pieces(progress):
        file.write(piece)
    file.flush()


def _line(texts: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(texts)
    return text.getvalue().encode()
