"""Why a call on a condition is refused; `status` is the StatusCode of the answer (Part 9, 5.5, 5.7, 5.8.17).

AlarmError
├── ConditionDisabledError    BadConditionDisabled
├── AlreadyDisabledError      BadConditionAlreadyDisabled
├── AlreadyEnabledError       BadConditionAlreadyEnabled
├── UnknownEventError         BadEventIdUnknown
├── AlreadyAcknowledgedError  BadConditionBranchAlreadyAcked
├── AlreadyConfirmedError     BadConditionBranchAlreadyConfirmed
├── AlreadyShelvedError       BadConditionAlreadyShelved
├── NotShelvedError           BadConditionNotShelved
└── ShelvingTimeError         BadShelvingTimeOutOfRange

Suppression and service have no such codes: what is so already stays so, untold (5.8.8 to 5.8.15).
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


class AlreadyConfirmedError(AlarmError):
    """There is nothing to confirm: done already, not acknowledged yet, or the condition asks for none."""

    status = 0x80D0_0000


class AlreadyShelvedError(AlarmError):
    """The condition is shelved in this way already."""

    status = 0x80D1_0000


class NotShelvedError(AlarmError):
    """The condition is not shelved."""

    status = 0x80D2_0000


class ShelvingTimeError(AlarmError):
    """The time is not above zero, or longer than the condition may be shelved."""

    status = 0x80D3_0000
