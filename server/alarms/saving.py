"""States of conditions as arrays without Python objects, for a file that outlives the process.

Conditions are named by their identifiers, since the rows of another run may be others.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.alarms.definition import ConditionIndex
from server.alarms.state import AlarmState, first_state

Saved = dict[str, NDArray[np.generic]]
_TEXTS = ("comment", "user")


def pack(index: ConditionIndex, rows: Index, state: AlarmState) -> Saved:
    """Rows of `state` with the identifiers of the conditions that they are of; branches may be among them."""
    columns: Saved = {f.name: getattr(state, f.name) for f in fields(AlarmState)}
    texts: Saved = {name: np.array(getattr(state, name).tolist(), np.str_) for name in _TEXTS}
    identifiers = np.array([index.identifier(row) for row in rows.tolist()], np.str_)
    return {**columns, **texts, "identifier": identifiers}


def unpack(index: ConditionIndex, saved: Saved) -> tuple[Index, AlarmState]:
    """Rows and states of the conditions that there still are.

    A column that an older version did not have is as in a first state. KeyError: not from `pack`.
    """
    found = [index.row_of_id(str(name)) for name in saved["identifier"]]
    kept = np.array([i for i, row in enumerate(found) if row is not None], np.intp)
    rows = np.array([row for row in found if row is not None], np.intp)
    state = first_state(saved["severity"][kept].astype(np.uint16), 0)
    for name in AlarmState.__dataclass_fields__:
        if name in saved:
            getattr(state, name)[:] = saved[name][kept]
    return rows, state
