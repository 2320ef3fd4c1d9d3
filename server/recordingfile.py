"""A measured discharge from a CSV file, as an instrument or a historian writes it; faults name the line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from analytics.identify import Recording
from server.errors import RequestError

DELIMITERS: Final = ",;\t"


@dataclass(frozen=True)
class Columns:
    """Names of the columns; that of the temperature may be a number instead [°C]."""

    time: str = "time_s"
    current: str = "current_A"
    voltage: str = "voltage_V"
    temperature: str = "temperature_C"


def read_recording(path: Path, columns: Columns) -> Recording:
    """The readings of a file with a row of names above them; `RequestError` says what is wrong with it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = np.array(list(_rows(path, file, columns)), np.float64)
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.") from None
    if len(rows) < 3:
        raise RequestError(f"{path} has {len(rows)} readings, which are too few.")
    return Recording(*rows.T.copy())


def _rows(path: Path, file: Iterator[str], columns: Columns) -> Iterator[tuple[float, ...]]:
    """Time, current, voltage and temperature of each line; the time never falls."""
    header = next(file, "").rstrip("\r\n")
    delimiter = max(DELIMITERS, key=header.count)
    names = [name.strip().strip('"') for name in header.split(delimiter)]
    places = [_place(path, names, name) for name in (columns.time, columns.current, columns.voltage)]
    fixed = _number(columns.temperature)
    if fixed is None:
        places.append(_place(path, names, columns.temperature))
    last = -np.inf
    reader = csv.reader(file, delimiter=delimiter)
    for cells in reader:
        if not cells:
            continue
        line = f"{path}:{reader.line_num + 1}"
        values = [_cell(line, names, cells, place, delimiter) for place in places]
        if values[0] < last:
            raise RequestError(f"{line}: the time goes back from {last:g} s to {values[0]:g} s.")
        last = values[0]
        yield (*values, *(() if fixed is None else (fixed,)))


def _place(path: Path, names: list[str], name: str) -> int:
    if name not in names:
        raise RequestError(f"{path} has no column '{name}'; its columns are {', '.join(names)}.")
    return names.index(name)


def _cell(line: str, names: list[str], cells: list[str], place: int, delimiter: str) -> float:
    if place >= len(cells):
        raise RequestError(f"{line}: {names[place]} is missing.")
    text = cells[place] if delimiter == "," else cells[place].replace(",", ".")
    value = _number(text)
    if value is None:
        raise RequestError(f"{line}: {names[place]} is '{cells[place]}', which is no number.")
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
