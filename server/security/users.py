"""Who a session belongs to: a name and a role, and what each role may do (X2)."""

from __future__ import annotations

from dataclasses import dataclass
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
    """Somebody with a session."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this user has at least `role`."""
        return self.role >= role


ANONYMOUS: Final = User("", Role.ANONYMOUS)
