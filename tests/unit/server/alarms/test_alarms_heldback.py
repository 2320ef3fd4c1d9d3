"""What operators are not shown, and why: once for each reason, by design only while it is active."""

from __future__ import annotations

import numpy as np

from server.alarms.heldback import HeldBack, Reason, held_back
from server.alarms.state import Shelving, Suppression, first_state


def test_nothing_is_held_back_at_first() -> None:
    assert held_back(first_state(np.full(4, 500, np.uint16), 1)) == []


def test_every_reason_with_its_times() -> None:
    state = first_state(np.full(7, 500, np.uint16), 1)
    state.enabled[0], state.enabled_time[0] = False, 10
    state.out_of_service[1], state.service_time[1] = True, 11
    state.shelved[2], state.shelved_time[2], state.shelved_until[2] = Shelving.TIMED, 12, 99
    state.shelved[3], state.shelved_time[3], state.shelved_until[3] = Shelving.ONE_SHOT, 13, 98
    state.suppressed[4], state.suppressed_time[4] = Suppression.BY_OPERATOR, 14
    both = Suppression.BY_OPERATOR | Suppression.BY_DESIGN
    state.suppressed[5], state.suppressed_time[5], state.level[5] = both, 15, 1
    state.suppressed[6], state.suppressed_time[6] = Suppression.BY_DESIGN, 16  # and quiet
    assert held_back(state) == [
        HeldBack(0, Reason.DISABLED, 10, 0),
        HeldBack(1, Reason.OUT_OF_SERVICE, 11, 0),
        HeldBack(2, Reason.SHELVED, 12, 99),
        HeldBack(3, Reason.SHELVED_ONCE, 13, 98),
        HeldBack(4, Reason.SUPPRESSED, 14, 0),
        HeldBack(5, Reason.SUPPRESSED, 15, 0),
        HeldBack(5, Reason.BY_DESIGN, 15, 0),
    ]
