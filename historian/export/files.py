"""A file that is whole or not there: written beside its place, and moved there when it is finished."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from historian.export.lines import Connection, Lines, Progress
from historian.export.request import ExportError, Format, Request


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write what `path` is to be; nothing is left of it if the block does not end well."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        aside.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        aside.unlink(missing_ok=True)


def write(connection: Connection, request: Request, path: Path, progress: Progress) -> None:
    """Write the file that a request asks for at `path`, where it grows while it is written."""
    lines = Lines(connection, request)
    match request.format:
        case Format.CSV:
            from historian.export.csvfile import write_csv

            with path.open("wb") as file:
                write_csv(lines, file, progress)
        case Format.PARQUET:
            from historian.export.parquetfile import write_parquet

            write_parquet(lines, request, path, progress)
        case Format.EXCEL:
            from historian.export.excelfile import write_excel

            write_excel(lines, request, path, progress)
        case Format.PDF:
            raise ExportError("History is not exported as PDF; ask for a report.")
