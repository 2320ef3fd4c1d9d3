"""The causes of incidents: whose activations belong to one, by row of the alarm table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from config.alarmmanagement import Incident
from nodeset.fleet import Index
from server.alarms.definition import MICROSECONDS, ConditionIndex
from server.alarms.state import Flags


@dataclass(frozen=True)
class Cause:
    """A condition that explains others of its site; `rows` are its own, `members` those that may belong."""

    name: str
    rows: Index
    site: Index  # of each of `rows`
    members: Flags  # over all rows, the cause's own too
    look_back: int
    linger: int


def causes_of(index: ConditionIndex, incidents: Mapping[str, Incident]) -> tuple[Cause, ...]:
    """The causes that are declared, in their order.

    Beside the members that are named, all conditions belong that the cause suppresses.
    """
    site, found = index.site_of_row(), []
    for name, declared in incidents.items():
        rows, members = [], np.zeros(index.size, np.bool_)
        for d, span in index.spans():
            if d.name == name:
                rows.append(np.arange(span.start, span.stop, dtype=np.intp))
            if d.name == name or d.name in declared.members or name in d.suppressed_by:
                members[span] = True
        own = np.concatenate(rows) if rows else np.empty(0, np.intp)
        look_back, linger = (round(each * MICROSECONDS) for each in (declared.look_back, declared.linger))
        found.append(Cause(name, own, site[own], members, look_back, linger))
    return tuple(found)
