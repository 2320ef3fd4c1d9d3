"""What an export is asked for, as it also goes from the server to the process that makes the file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from historian.errors import HistorianError


class ExportError(HistorianError):
    """The export cannot be made; the text says why, for whoever asked."""


class Step(StrEnum):
    """How far apart the rows are."""

    RAW = "raw"  # as they were stored
    HOURLY = "hourly"
    DAILY = "daily"


class Format(StrEnum):
    """The kind of file, by the ending of its name."""

    CSV = "csv"
    PARQUET = "parquet"
    EXCEL = "xlsx"
    PDF = "pdf"  # of reports alone


@dataclass(frozen=True)
class Request:
    """Variables, paths with wild cards, over start <= time < end [µs since 1970].

    `zone` is the time zone in which Excel shows times; empty: UTC.
    """

    variables: tuple[str, ...]
    start: int
    end: int
    step: Step
    format: Format
    zone: str = ""

    def to_json(self) -> str:
        """As text, for `of_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Request:
        """What `to_json` wrote."""
        fields = json.loads(text)
        variables, step, form = tuple(fields["variables"]), Step(fields["step"]), Format(fields["format"])
        return cls(variables, fields["start"], fields["end"], step, form, fields["zone"])
