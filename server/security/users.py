"""Who a session belongs to: a name and a role, and what each role may do (X2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final


class Role(IntEnum):
    """Roles, each including those below it."""

    ANONYMOUS = 0
    VIEWER = 1
    OPERATOR = 2
    ENGINEER = 3
    ADMIN = 4

    @property
    def title(self) -> str:
        """The role as it is stored and shown."""
        return self.name.capitalize()


@dataclass(frozen=True)
class User:
    """Somebody with a session.

    Who `must_change` a one-time password has role Anonymous until then, and may only call ChangePassword
    (Part 18, 5.2.8). `certified` tells one who came with a certificate from one who came with a password.
    """

    name: str
    role: Role
    must_change: bool = False
    certified: bool = field(default=False, compare=False)

    def may(self, role: Role) -> bool:
        """Whether this user has at least `role`."""
        return self.role >= role


ANONYMOUS: Final = User("", Role.ANONYMOUS)
