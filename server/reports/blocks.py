"""The blocks that report.typ knows, as plain values; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Block = dict[str, Any]
Cell = str | dict[str, str]
MARK: Final = "▲"  # beside the colour of what is beyond its bounds


def heading(text: str) -> Block:
    """Of a section."""
    return {"kind": "heading", "text": text}


def subheading(text: str) -> Block:
    """Within a section."""
    return {"kind": "subheading", "text": text}


def text(words: str) -> Block:
    """A paragraph."""
    return {"kind": "text", "text": words}


def points(words: Sequence[Cell]) -> Block:
    """A list."""
    return {"kind": "points", "points": list(words)}


def notes(words: Sequence[str]) -> Block:
    """A list in small print."""
    return {"kind": "notes", "points": list(words)}


def marked(words: str) -> Cell:
    """A cell that says that something is wrong, by a mark and a colour."""
    return {"mark": MARK, "text": words}


def tile(label: str, value: str, unit: str, note: str, bad: bool) -> dict[str, Any]:
    """A figure in large."""
    return {"label": label, "value": value, "unit": unit, "note": note, "bad": bad}


@dataclass(frozen=True)
class Column:
    """Of a table: its heading, its side (l, r), and its width against the others; 0: as its content."""

    head: str
    side: str = "r"
    width: float = 1.0


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], note: str = "") -> Block:
    """Rows below headings, which every page repeats."""
    return {
        "kind": "table",
        "head": [column.head for column in columns],
        "align": "".join(column.side for column in columns),
        "widths": [column.width for column in columns],
        "rows": [list(row) for row in rows],
        "note": note,
    }


def bars(title: str, names: Sequence[str], values: Sequence[float], labels: Sequence[str]) -> Block:
    """A bar for each value, with a label above it and its name below."""
    return {
        "kind": "bars", "title": title, "names": list(names), "values": list(values), "labels": list(labels)
    }  # fmt: skip


def lines(title: str, names: Sequence[str], series: Sequence[Sequence[float | None]]) -> Block:
    """Lines over the same days, the first one in front; `names` are the days'."""
    known = [value for each in series for value in each if value is not None]
    low, high, step = _scale(min(known), max(known))
    ticks = [
        {"at": float(at), "text": f"{at:.{max(0, -int(np.floor(np.log10(step))))}f}"}
        for at in np.arange(low, high + step / 2, step)
    ]
    every = max(1, -(-len(names) // 7))
    return {
        "kind": "lines",
        "title": title,
        "count": len(names),
        "names": [{"at": i, "text": name} for i, name in enumerate(names) if i % every == 0],
        "series": [list(each) for each in series],
        "low": float(low),
        "high": float(high),
        "ticks": ticks,
    }


def beside(*parts: Block) -> Block:
    """Drawings side by side."""
    return {"kind": "beside", "parts": list(parts)}


def _scale(low: float, high: float) -> tuple[float, float, float]:
    """Round bounds around values, with 2 to 5 steps between them."""
    span = max(high - low, 0.1)
    size = 10.0 ** np.floor(np.log10(span))
    step = next(size * each for each in (0.2, 0.5, 1, 2, 5) if span / (size * each) <= 3.5)
    bottom, top = np.floor(low / step), np.ceil(high / step)
    return float(bottom * step), float(max(top, bottom + 1) * step), float(step)
