"""The columns of an exported file, in order: what they are called and what stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from historian.columns import Column
from historian.export.request import Step
from historian.export.selection import Selection, label
from nodeset.tags import Kind


class Content(StrEnum):
    """What stands in a column."""

    TIME = "time"  # UTC, start of the hour or day
    TEXT = "text"
    NUMBER = "number"
    COUNT = "count"


class Figure(StrEnum):
    """What of a tag an hour or a day has."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True)
class Heading:
    """One column; `column` and `figure` say of what it is, where it is of a tag."""

    text: str
    content: Content
    column: Column | None = None
    figure: Figure | None = None


def headings(selection: Selection, step: Step) -> tuple[Heading, ...]:
    """Time, the asset where there are several, the tags, and the status of the row."""
    first = [Heading("Time", Content.TIME)]
    if not selection.of_one:
        first.append(Heading("Asset", Content.TEXT))
    if step is Step.RAW:
        tags = [Heading(label(column), _content(column), column) for column in selection.columns]
        return (*first, *tags, Heading("Status", Content.TEXT))
    tags = [heading for column in selection.columns for heading in _figures(column)]
    last = (Heading("Readings", Content.COUNT), Heading("Good [%]", Content.NUMBER))
    return (*first, *tags, *last, Heading("Status", Content.TEXT))


def _content(column: Column) -> Content:
    numbers = (Kind.ANALOG, Kind.COUNT)
    return Content.NUMBER if column.tag.kind in numbers else Content.TEXT


def _figures(column: Column) -> Iterator[Heading]:
    """Means of numbers alone; which jar was weakest has neither a lowest nor a highest."""
    if column.tag.kind is Kind.JAR:
        return
    unit = label(column).removeprefix(column.tag.name)
    for figure in Figure:
        if figure is not Figure.MEAN or _content(column) is Content.NUMBER:
            yield Heading(f"{column.tag.name} {figure}{unit}", _content(column), column, figure)
