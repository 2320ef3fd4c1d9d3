"""What stands in a backup's manifest: whose it is, and of each table and file how much and its SHA-256.

Format 1. Whatever a later format adds, `Manifest.parse` refuses a format that it does not know.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from historian.errors import HistorianError

FORMAT: Final = 1


@dataclass(frozen=True)
class Member:
    """A file of the archive: `bytes` and `sha256` are of its content, unpacked."""

    name: str
    bytes: int
    sha256: str
    rows: int = 0
    mode: int = 0o600


@dataclass(frozen=True)
class Part:
    """The rows of a table with `low` <= ts < `high` (ISO 8601), or all where these are None."""

    low: str | None
    high: str | None
    members: tuple[Member, ...]

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(member.rows for member in self.members)


@dataclass(frozen=True)
class TableContent:
    """A table: columns in the order of its members, and its parts."""

    name: str
    columns: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True)
class Manifest:
    """A whole backup; `sequences` has the last number that each `table.column` has given."""

    schema: str
    engine: str
    voltkeep: str
    created_at: str
    readings_since: str | None
    sequences: dict[str, int]
    tables: tuple[TableContent, ...]
    files: tuple[Member, ...]
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        """Bytes of all tables, unpacked."""
        return sum(m.bytes for table in self.tables for part in table.parts for m in part.members)

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def parse(cls, text: str) -> Manifest:
        """What `text` wrote; `HistorianError` for what is none, or of a later format."""
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise HistorianError(
                    f"The backup has format {found['format']}; this Voltkeep reads {FORMAT}. "
                    "Use the Voltkeep that made it, or a newer one."
                )
            tables = tuple(_table(table) for table in found.pop("tables"))
            files = tuple(Member(**file) for file in found.pop("files"))
            return cls(tables=tables, files=files, **found)
        except (ValueError, KeyError, TypeError) as error:
            raise HistorianError(f"The backup's manifest cannot be read: {error!r}") from None


def _table(found: dict[str, Any]) -> TableContent:
    parts = tuple(
        Part(part["low"], part["high"], tuple(Member(**member) for member in part["members"]))
        for part in found["parts"]
    )
    return TableContent(found["name"], tuple(found["columns"]), parts)
