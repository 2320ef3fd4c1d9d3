"""Parquet files of one month: begun under another name, and there under their own only when whole.

The bytes depend on nothing but the tables and the version of pyarrow: no times, one thread a file. Values
go by dictionaries, for monitors round them and few differ in a day; times are differences; zstd compresses.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from simulator.offline.errors import OfflineError

PART: Final = ".part"
_ZSTD_LEVEL: Final = 3


class MonthFile:
    """A Parquet file that is being written; one row group a table."""

    def __init__(self, path: Path, schema: Any) -> None:
        self.path = path
        self.rows = 0
        self._part = path.with_name(f".{path.name}{PART}")
        path.parent.mkdir(parents=True, exist_ok=True)
        values = [name for name in schema.names if name != "time"]
        self._writer = pq.ParquetWriter(
            self._part,
            schema,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            use_dictionary=values,
            column_encoding={"time": "DELTA_BINARY_PACKED"},
            write_statistics=["time"],
        )

    def write(self, table: Any) -> None:
        """Append a table as a row group."""
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self.rows += table.num_rows

    def close(self) -> None:
        """Finish the file and give it its name."""
        self._writer.close()
        self._part.replace(self.path)


def told(error: OSError, folder: Path) -> OfflineError:
    """What to say of a file that cannot be written."""
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        return OfflineError(f"there is no space left for {folder}; what is whole so far is kept")
    return OfflineError(f"{folder} cannot be written: {error.strerror or error}")


def remove_parts(folder: Path) -> None:
    """Remove what an interrupted run has begun."""
    for part in folder.rglob(f".*{PART}"):
        part.unlink(missing_ok=True)
