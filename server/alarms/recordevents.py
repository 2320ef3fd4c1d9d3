"""The events that a record of the ledger tells, as they were told or would have been when it was written."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from server.alarms.eventids import EventIds
from server.alarms.events import ConditionEvent, ConditionState
from server.alarms.limits import ConditionLimits, Limits
from server.alarms.recovery import Written
from server.alarms.state import first_state


def events_of(written: Written, namespace: int) -> list[ConditionEvent]:
    """In their order; a condition may be of a fleet or a definition that is no more."""
    heading, record = written.heading, written.record
    ids, first = EventIds(), heading.first_rows
    ids.nonce = heading.nonce
    events = []
    for row, change, state, limits in zip(
        record.rows.tolist(),
        record.columns["change"].tolist(),
        _states(written),
        _limits(written),
        strict=True,
    ):
        i = bisect_right(first, row) - 1
        definition = heading.definitions[i]
        path = heading.paths[definition.asset][row - first[i]]
        event_id = ids.event_id(f"{path}#{definition.name}", state.event, state.branch)
        own = ConditionLimits.of(definition) if limits is None else limits
        events.append(ConditionEvent(definition, path, namespace, event_id, change, state, own))
    return events


def _states(written: Written) -> list[ConditionState]:
    record = written.record
    places = np.arange(len(record.rows))
    state = record.state(places, first_state(np.ones(len(places), np.uint16), record.time))
    columns = [getattr(state, name).tolist() for name in ConditionState._fields]
    return [ConditionState(*each) for each in zip(*columns, strict=True)]


def _limits(written: Written) -> list[ConditionLimits] | list[None]:
    """None of a record without limits."""
    columns = written.record.limits()
    if columns is None:
        return [None] * len(written.record.rows)
    return Limits(**columns).of_rows(np.arange(len(written.record.rows)))
