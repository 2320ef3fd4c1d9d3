"""The example tables of Part 13, Annex A: raw values of five historians, and aggregates of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from historian.aggregation import Aggregate, AggregateConfiguration, Aggregation
from historian.bounds import CALCULATED, INTERPOLATED, MULTIPLE_VALUES, PARTIAL, Samples
from nodeset.status import BAD, BAD_NO_DATA, GOOD, UNCERTAIN, UNCERTAIN_DATA_SUB_NORMAL

EXAMPLES: Final = Path(__file__).parents[4] / "shared" / "data" / "part13_aggregate_examples.csv"
SECOND: Final = 1_000_000  # µs
_CODES: Final = {
    "Good": GOOD,
    "Uncertain": UNCERTAIN,
    "UncertainDataSubNormal": UNCERTAIN_DATA_SUB_NORMAL,
    "Bad": BAD,
    "BadNoData": BAD_NO_DATA,
    "Calculated": CALCULATED,
    "Interpolated": INTERPOLATED,
    "Partial": PARTIAL,
    "MultipleValues": MULTIPLE_VALUES,
}


@dataclass
class Table:
    """One table: rows of time, value, status; settings by their names in the file."""

    historian: str
    aggregate: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[int, float, int]] = field(default_factory=list)

    @property
    def stepped(self) -> bool:
        return self.settings["Stepped"] == "true"

    @property
    def configuration(self) -> AggregateConfiguration:
        return AggregateConfiguration(
            treat_uncertain_as_bad=self.settings["Treat Uncertain as Bad"] == "true",
            percent_data_bad=int(self.settings["Percent Bad"]),
            percent_data_good=int(self.settings["Percent Good"]),
            use_sloped_extrapolation=self.settings["Use Sloped Extrapolation"] == "true",
        )

    @property
    def interval(self) -> int:
        return int(self.settings["Processing Interval"]) * 1000

    @property
    def aggregation(self) -> Aggregation:
        name = "".join(f"_{c}" if c.isupper() or c.isdigit() else c for c in self.aggregate)
        aggregate = Aggregate[name.lstrip("_").upper()]
        return Aggregation(aggregate, 0, self._count * self.interval, self.interval, self.configuration)

    @property
    def _count(self) -> int:
        return len(self.rows)


def seconds(text: str) -> int:
    """Time of day after 12:00:00 [µs]."""
    hours, minutes, rest = text.split(":")
    return round(((int(hours) - 12) * 3600 + int(minutes) * 60 + float(rest)) * SECOND)


def status(text: str) -> int:
    """A StatusCode as the file writes it."""
    code = 0
    for word in text.split(","):
        code |= _CODES[word.strip()]
    return code


def tables() -> tuple[dict[str, Table], list[Table]]:
    """Raw tables by historian, and the tables of aggregates."""
    raw: dict[str, Table] = {}
    processed: list[Table] = []
    aggregate, table = "", Table("")
    for cells in _lines():
        if cells[0] == "Aggregate":
            aggregate = cells[1]
        elif cells[0].startswith("Historian"):
            table = Table(cells[0], aggregate)
            if aggregate:
                processed.append(table)
            else:
                raw[cells[0]] = table
        elif ":" in cells[0]:
            _add(table, cells)
        elif len(cells) == 2:
            table.settings[cells[0].strip()] = cells[1].strip()
    return raw, processed


def _lines() -> Iterator[list[str]]:
    with EXAMPLES.open(newline="") as file:
        yield from (cells for cells in csv.reader(file) if cells and cells[0])


def _add(table: Table, cells: list[str]) -> None:
    # The first raw entry says that nothing was stored before: it is no value.
    if cells[2] == "Bad_NoData":
        return
    words = {"": np.nan, "undefined": np.nan, "true": 1.0, "false": 0.0}
    value = words[cells[1]] if cells[1] in words else _number(cells[1])
    table.rows.append((seconds(cells[0]), value, status(cells[2])))


def _number(text: str) -> float:
    return float(_CODES[text]) if text in _CODES else float(text)


def samples(table: Table) -> Samples:
    """The raw values of a historian."""
    time, value, code = zip(*table.rows, strict=True)
    return Samples(np.array(time, np.int64), np.array(value), np.array(code, np.uint32))
