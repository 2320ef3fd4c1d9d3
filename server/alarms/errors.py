"""Why a call on a condition is refused; `status` is the StatusCode of the answer (Part 9, 5.5 and 5.7).

AlarmError
├── ConditionDisabledError    BadConditionDisabled
├── AlreadyDisabledError      BadConditionAlreadyDisabled
├── AlreadyEnabledError       BadConditionAlreadyEnabled
├── UnknownEventError         BadEventIdUnknown
└── AlreadyAcknowledgedError  BadConditionBranchAlreadyAcked
"""

from __future__ import annotations

from typing import ClassVar


class AlarmError(Exception):
    """A call on a condition that its state does not allow."""

    status: ClassVar[int]


class ConditionDisabledError(AlarmError):
    """The condition is disabled."""

    status = 0x8099_0000


class AlreadyDisabledError(AlarmError):
    """The condition is disabled already."""

    status = 0x8098_0000


class AlreadyEnabledError(AlarmError):
    """The condition is enabled already."""

    status = 0x80CC_0000


class UnknownEventError(AlarmError):
    """The EventId is none of this condition's, or belongs to an activation that a later one replaced."""

    status = 0x809A_0000


class AlreadyAcknowledgedError(AlarmError):
    """Somebody was faster."""

    status = 0x80CF_0000
