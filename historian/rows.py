"""A scan as the historian stores it: per asset type the rows of one table, values as scaled integers.

`scan_of` is a pure function of a frame; everything on the way to the database or the spill works on
its result, which needs neither the frame nor the fleet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from historian.assets import AssetIds, Ids
from historian.columns import NO_VALUE, TABLES, Column, Table
from nodeset.frame import Frame, Statuses, Values
from nodeset.status import BAD_NO_DATA, GOOD, UNCERTAIN_EU_EXCEEDED
from nodeset.tags import Kind

Scaled = NDArray[np.int32]


@dataclass(frozen=True)
class Rows:
    """One table's rows of a scan.

    `value` and `status` have the shape (columns, assets); a value is `NO_VALUE` where there is no number, and
    its status is then never Good: that would mean that nothing is stored.
    """

    table: Table
    assets: Ids
    value: Scaled
    status: Statuses


@dataclass(frozen=True)
class Scan:
    """Everything that one scan stores; `time` [µs since 1970]."""

    time: int
    rows: tuple[Rows, ...]


def scan_of(frame: Frame, ids: AssetIds) -> Scan:
    """The rows of a frame."""
    return Scan(frame.time, tuple(_rows(frame, table, ids) for table in TABLES.values()))


def _rows(frame: Frame, table: Table, ids: AssetIds) -> Rows:
    assets = ids.of[table.asset]
    value = np.empty((len(table.columns), len(assets)), np.int32)
    status = np.empty(value.shape, np.uint32)
    for i, column in enumerate(table.columns):
        number = frame.column(table.asset, column.tag.name)
        if column.tag.kind is Kind.JAR:
            number = ids.jar_ids(number)
        value[i], beyond = scaled(number, column)
        status[i] = frame.column_status(table.asset, column.tag.name)
        is_good = status[i] == GOOD
        status[i, beyond & is_good] = UNCERTAIN_EU_EXCEEDED
        status[i, (value[i] == NO_VALUE) & is_good] = BAD_NO_DATA
    return Rows(table, assets, value, status)


def scaled(value: Values, column: Column) -> tuple[Scaled, NDArray[np.bool_]]:
    """Values as a column holds them, and where they had to be clipped to what it can hold."""
    steps = np.rint(value * column.tag.scale)
    beyond = np.abs(steps) > column.limit
    whole = np.where(np.isnan(steps), NO_VALUE, np.clip(steps, -column.limit, column.limit))
    return whole.astype(np.int32), beyond
