"""What each role may do with a node: profiles of permissions, declared once and shown as RolePermissions.

A node belongs to one profile. The well-known roles of Part 18, 4.2 stand for ours: a Viewer is an Observer,
an Admin is both SecurityAdmin and ConfigureAdmin.
"""

from __future__ import annotations

from enum import Enum, IntFlag
from typing import Final

from server.security.users import Role, User


class Permission(IntFlag):
    """Bits of PermissionType (Part 3, 8.55)."""

    BROWSE = 1 << 0
    READ_ROLE_PERMISSIONS = 1 << 1
    WRITE_ATTRIBUTE = 1 << 2
    WRITE_ROLE_PERMISSIONS = 1 << 3
    WRITE_HISTORIZING = 1 << 4
    READ = 1 << 5
    WRITE = 1 << 6
    READ_HISTORY = 1 << 7
    INSERT_HISTORY = 1 << 8
    MODIFY_HISTORY = 1 << 9
    DELETE_HISTORY = 1 << 10
    RECEIVE_EVENTS = 1 << 11
    CALL = 1 << 12


# Identifiers in namespace 0 of the well-known roles that a role of ours has.
WELL_KNOWN_ROLES: Final[dict[Role, tuple[int, ...]]] = {
    Role.ANONYMOUS: (15644,),  # Anonymous
    Role.VIEWER: (15656, 15668),  # AuthenticatedUser, Observer
    Role.OPERATOR: (15680,),  # Operator
    Role.ENGINEER: (16036,),  # Engineer
    Role.ADMIN: (15704, 15716),  # SecurityAdmin, ConfigureAdmin
}

_LOOK: Final = Permission.BROWSE | Permission.READ | Permission.READ_HISTORY | Permission.RECEIVE_EVENTS


def _profile(least: Role, more: Permission) -> dict[Role, Permission]:
    """Everybody may look; from role `least` on there is `more`; an Admin may see who may what."""
    return {
        role: _LOOK
        | (more if role >= least else Permission(0))
        | (Permission.READ_ROLE_PERMISSIONS if role is Role.ADMIN else Permission(0))
        for role in Role
    }


class Profile(Enum):
    """Permissions by role."""

    OPEN = "everybody may look"
    SET_POINT = "engineers may write"
    CALL_VIEWER = "whoever is logged in may call"
    CALL_OPERATOR = "operators may call"
    CALL_ENGINEER = "engineers may call"
    CALL_ADMIN = "administrators may call"
    ADMIN_ONLY = "administrators may look and write, others only know that it is there"

    @property
    def permissions(self) -> dict[Role, Permission]:
        """What each role may do."""
        return _PROFILES[self]

    def allows(self, user: User, wanted: Permission) -> bool:
        """Whether a user has all of `wanted`."""
        return self.permissions[user.role] & wanted == wanted


_PROFILES: Final = {
    Profile.OPEN: _profile(Role.ADMIN, Permission(0)),
    Profile.SET_POINT: _profile(Role.ENGINEER, Permission.WRITE),
    Profile.CALL_VIEWER: _profile(Role.VIEWER, Permission.CALL),
    Profile.CALL_OPERATOR: _profile(Role.OPERATOR, Permission.CALL),
    Profile.CALL_ENGINEER: _profile(Role.ENGINEER, Permission.CALL),
    Profile.CALL_ADMIN: _profile(Role.ADMIN, Permission.CALL),
    Profile.ADMIN_ONLY: {
        role: _LOOK | Permission.WRITE | Permission.READ_ROLE_PERMISSIONS
        if role is Role.ADMIN
        else Permission.BROWSE
        for role in Role
    },
}
