"""Why an account is not changed, or a log-in is not looked at.

AccountError
├── UnknownAccount    there is none of that name
├── AccountExists     there is one of that name, or with that certificate, already
├── TooManyAccounts   there is no room for one more
├── BadName           a name that no account can have
├── BadPassword       a password outside the rules
├── SamePassword      the new password is the old one
├── WrongPassword     the old password is not right
├── LastAdmin         nobody would be left who may manage users
├── ServiceAccount    the account belongs to a part of Voltkeep
└── Busy              too many passwords are being looked at
"""

from __future__ import annotations


class AccountError(Exception):
    """The text is for whoever asked, and holds no secret."""


class UnknownAccount(AccountError):
    """There is none of that name."""


class AccountExists(AccountError):
    """There is one of that name, or with that certificate, already."""


class TooManyAccounts(AccountError):
    """There is no room for one more."""


class BadName(AccountError):
    """A name that no account can have."""


class BadPassword(AccountError):
    """A password outside the rules."""


class SamePassword(AccountError):
    """The new password is the old one."""


class WrongPassword(AccountError):
    """The old password is not right."""


class LastAdmin(AccountError):
    """Nobody would be left who may manage users."""


class ServiceAccount(AccountError):
    """The account belongs to a part of Voltkeep."""


class Busy(AccountError):
    """Too many passwords are being looked at."""
