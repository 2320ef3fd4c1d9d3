"""How the alarms were, from what the ledger wrote.

A record may be of another fleet, other definitions or an older Voltkeep: a condition that is no more is left
out, and a column that a record does not have is as in a first state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nodeset.fleet import Index
from server.alarms.definition import ConditionIndex
from server.alarms.ledgerrecords import Heading, Kind, Record, frames
from server.alarms.state import AlarmState
from server.alarms.table import AlarmTable


@dataclass(frozen=True)
class Written:
    """A record under its heading, and both as bytes."""

    kind: Kind
    heading: Heading
    record: Record
    heading_content: bytes
    content: bytes


def read(data: bytes) -> tuple[list[Written], int]:
    """Records of a ledger in their order, and how many bytes of it are whole.

    ValueError, KeyError, TypeError: it is of another version.
    """
    found: list[Written] = []
    heading, heading_content, whole = None, b"", 0
    for kind, content, end in frames(data):
        if kind is Kind.HEADING:
            heading, heading_content = Heading.unpacked(content), content
        elif heading is not None:
            found.append(Written(kind, heading, heading.unpack(content), heading_content, content))
        whole = end
    return found, whole


def replay(table: AlarmTable, written: list[Written]) -> None:
    """Set a new table as it was: the last snapshot, and what was written after it."""
    if not written:
        return
    snapshots = [i for i, each in enumerate(written) if each.kind is Kind.SNAPSHOT]
    rows_of: dict[bytes, Index] = {}
    rows, states = [], []
    for each in written[snapshots[-1] if snapshots else 0 :]:
        if each.heading_content not in rows_of:
            rows_of[each.heading_content] = _rows(each.heading, table.index)
        found = rows_of[each.heading_content][each.record.rows]
        known = np.flatnonzero(found >= 0)
        rows.append(found[known])
        states.append(each.record.state(known, table.state.take(found[known])))
    table.replay(np.concatenate(rows), AlarmState.joined(states))
    table.ids.resume(written[-1].heading.nonce, max(each.record.last for each in written))


def _rows(heading: Heading, index: ConditionIndex) -> Index:
    """The row of each of a heading's conditions; -1 for one that is no more."""
    rows = np.full(heading.first_rows[-1], -1, np.intp)
    for start, definition in zip(heading.first_rows, heading.definitions, strict=False):
        for i, path in enumerate(heading.paths[definition.asset]):
            row = index.row(path, definition.name)
            if row is not None:
                rows[start + i] = row
    return rows
