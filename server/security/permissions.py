"""What each role may do with a node: profiles of permissions, declared once and shown as RolePermissions.

A node belongs to one profile: that under which it was declared, or its namespace's. The well-known roles of
Part 18, 4.2 stand for ours: a Viewer is an Observer, an Admin is both SecurityAdmin and ConfigureAdmin; a
session has its own role and all below it. Outside a demo a session without a role (whoever must first change
the password) sees the Server object and that there are others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntFlag, unique
from typing import TYPE_CHECKING, Final

from asyncua import ua

from server.security.users import Role

if TYPE_CHECKING:
    from server.protocol.sessions import Session

S = ua.StatusCodes
Ids = ua.ObjectIds


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


class Restriction(IntFlag):
    """Bits of AccessRestrictionType (Part 3, 8.56)."""

    NONE = 0
    SIGNING = 1 << 0
    ENCRYPTION = 1 << 1


# Identifiers in namespace 0 of the well-known roles that a role of ours has.
WELL_KNOWN_ROLES: Final[dict[Role, tuple[int, ...]]] = {
    Role.ANONYMOUS: (15644,),  # Anonymous
    Role.VIEWER: (15656, 15668),  # AuthenticatedUser, Observer
    Role.OPERATOR: (15680,),  # Operator
    Role.ENGINEER: (16036,),  # Engineer
    Role.ADMIN: (15704, 15716),  # SecurityAdmin, ConfigureAdmin
}

_NOTHING: Final = Permission(0)
_SEE: Final = Permission.BROWSE
_LOOK: Final = _SEE | Permission.READ | Permission.READ_HISTORY | Permission.RECEIVE_EVENTS
_CORRECT: Final = Permission.INSERT_HISTORY | Permission.MODIFY_HISTORY | Permission.DELETE_HISTORY
# An object leaves it to its methods who may call them: both must allow it (Part 3, 8.55).
_VISIT: Final = _LOOK | Permission.CALL

# The bits that mean something for a class of nodes (Part 3, 8.55).
_ALL_CLASSES: Final = Permission.BROWSE | Permission.READ_ROLE_PERMISSIONS
_EVENTS: Final = Permission.RECEIVE_EVENTS | Permission.READ_HISTORY
_OF_CLASS: Final = {
    ua.NodeClass.Object: _ALL_CLASSES | _EVENTS | Permission.CALL,
    ua.NodeClass.ObjectType: _ALL_CLASSES | Permission.CALL,
    ua.NodeClass.Method: _ALL_CLASSES | Permission.CALL,
    ua.NodeClass.VariableType: _ALL_CLASSES | Permission.READ,
    ua.NodeClass.Variable: _ALL_CLASSES
    | Permission.READ
    | Permission.WRITE
    | Permission.READ_HISTORY
    | _CORRECT,
}


@dataclass(frozen=True)
class _Terms:
    """Everybody has `all`, from role `least` on there is `more`; outside a demo strangers have `stranger`."""

    all: Permission
    least: Role = Role.ADMIN
    more: Permission = _NOTHING
    stranger: Permission = _SEE
    restriction: Restriction = Restriction.NONE

    def of(self, role: Role, demo: bool) -> Permission:
        """What a role may do."""
        if role is Role.ANONYMOUS and not demo:
            return self.stranger
        admin = Permission.READ_ROLE_PERMISSIONS if role is Role.ADMIN else _NOTHING
        return self.all | admin | (self.more if role >= self.least else _NOTHING)


def _call(least: Role, restriction: Restriction = Restriction.NONE) -> _Terms:
    return _Terms(_SEE, least, Permission.CALL, restriction=restriction)


_SECRET: Final = Restriction.SIGNING | Restriction.ENCRYPTION


@unique
class Profile(Enum):
    """Permissions by role, and what the channel must be like."""

    PUBLIC = _Terms(_VISIT, stranger=_SEE | Permission.READ | Permission.CALL)
    OPEN = _Terms(_VISIT)
    LIVE = _Terms(_LOOK, Role.ENGINEER, _CORRECT)
    SET_POINT = _Terms(_LOOK, Role.ENGINEER, Permission.WRITE | _CORRECT, restriction=Restriction.SIGNING)
    SETTING = _Terms(_LOOK, Role.ENGINEER, Permission.WRITE, restriction=Restriction.SIGNING)
    ANNOTATIONS = _Terms(_SEE | Permission.READ_HISTORY, Role.OPERATOR, _CORRECT)
    ADMIN_WRITES = _Terms(_LOOK, Role.ADMIN, Permission.WRITE, stranger=_SEE | Permission.READ)
    ADMIN_ONLY = _Terms(_SEE, Role.ADMIN, _VISIT | Permission.WRITE, restriction=_SECRET)
    OWN = _Terms(_LOOK, stranger=_LOOK)
    # Methods: whoever has a session; whoever may read; from a role on.
    CALL_PUBLIC = _Terms(_SEE | Permission.CALL, stranger=_SEE | Permission.CALL)
    CALL_OPEN = _Terms(_SEE | Permission.CALL)
    CALL_VIEWER = _call(Role.VIEWER)
    CALL_OPERATOR = _call(Role.OPERATOR)
    CALL_ENGINEER = _call(Role.ENGINEER)
    CALL_ADMIN = _call(Role.ADMIN, _SECRET)


Rule = Callable[[ua.NodeId], Profile | None]
Entries = list[ua.RolePermissionType]


class Permissions:
    """The profile of every node, and what it grants to whom; `demo` lets everybody look."""

    def __init__(self, demo: bool) -> None:
        self._declared: dict[ua.NodeId, Profile] = {}
        self._rules: list[Rule] = []
        self._granted = {profile: tuple(profile.value.of(role, demo) for role in Role) for profile in Profile}
        # Without security nobody but a demo's anonymous readers has a session, and those write nothing.
        self._restriction = {profile: profile.value.restriction for profile in Profile}
        if demo:
            self._restriction[Profile.SET_POINT] = Restriction.NONE
            self._restriction[Profile.SETTING] = Restriction.NONE
        self._needed = {profile: _least_mode(each) for profile, each in self._restriction.items()}
        for node_id in _confidential():
            self.declare(node_id, Profile.ADMIN_ONLY)
        self.declare(ua.NodeId(Ids.Server_ServerDiagnostics_EnabledFlag), Profile.ADMIN_WRITES)

    def declare(self, node_id: ua.NodeId, profile: Profile) -> None:
        """Give a node another profile than its namespace's."""
        self._declared[node_id] = profile

    def declare_all(self, rule: Rule) -> None:
        """Give nodes that are made when somebody looks their profile; `rule` says None for others."""
        self._rules.append(rule)

    def profile(self, node_id: ua.NodeId) -> Profile:
        """The profile of a node."""
        found = self._declared.get(node_id)
        if found is not None:
            return found
        for rule in self._rules:
            found = rule(node_id)
            if found is not None:
                return found
        return Profile.PUBLIC if node_id.NamespaceIndex == 0 else Profile.OPEN

    def profile_for(self, node_id: ua.NodeId, session: Session) -> Profile:
        """The profile of a node for a session, which may read what there is about itself (Part 5, 6.3.5)."""
        found = self.profile(node_id)
        return Profile.OWN if found is Profile.ADMIN_ONLY and _is_about(node_id, session) else found

    def granted(self, profile: Profile, role: Role) -> Permission:
        """What a role may do with nodes of a profile."""
        return self._granted[profile][role]

    def holders(self, profile: Profile, wanted: Permission) -> tuple[bool, ...]:
        """Which roles may do all of `wanted`, by their number."""
        return tuple(each & wanted == wanted for each in self._granted[profile])

    def refusal(self, profile: Profile, session: Session, wanted: Permission) -> int:
        """The StatusCode with which a session is refused what it wants, or 0."""
        if self._granted[profile][session.user.role] & wanted != wanted:
            return int(S.BadUserAccessDenied)
        if self._needed[profile] > _mode(session):
            return int(S.BadSecurityModeInsufficient)
        return 0

    # -- as attributes (Part 3, 5.2.9 to 5.2.11)

    def role_permissions(self, profile: Profile, node_class: ua.NodeClass) -> Entries:
        """RolePermissions of a node: what each role may do."""
        return self.user_role_permissions(profile, node_class, Role.ADMIN)

    def user_role_permissions(self, profile: Profile, node_class: ua.NodeClass, role: Role) -> Entries:
        """UserRolePermissions: what the roles of a session may do, which are `role` and all below."""
        return self._entries(profile, _OF_CLASS.get(node_class, _ALL_CLASSES), role)

    def restriction(self, profile: Profile) -> Restriction:
        """AccessRestrictions of a node."""
        return self._restriction[profile]

    def default_role_permissions(self, namespace: int, role: Role = Role.ADMIN) -> Entries:
        """DefaultRolePermissions of a namespace (Part 5, 6.3.13), or DefaultUserRolePermissions of a role."""
        return self._entries(Profile.OPEN if namespace else Profile.PUBLIC, ~_NOTHING, role)

    def _entries(self, profile: Profile, valid: Permission, role: Role) -> Entries:
        return [
            ua.RolePermissionType(
                ua.NodeId(identifier), ua.PermissionType(int(self._granted[profile][each] & valid))
            )
            for each in Role
            if each <= role
            for identifier in WELL_KNOWN_ROLES[each]
        ]


def _is_about(node_id: ua.NodeId, session: Session) -> bool:
    """Whether a node belongs to the session itself: its NodeId begins with the session's.

    How it is secured is for administrators even so (Part 5, 7.16).
    """
    identifier = node_id.Identifier
    if not isinstance(identifier, str) or node_id.NamespaceIndex != session.id.NamespaceIndex:
        return False
    name, *path = identifier.split(".")
    return bool(name == session.id.Identifier) and path[:1] != ["SessionSecurityDiagnostics"]


def _least_mode(restriction: Restriction) -> int:
    """The least MessageSecurityMode that a restriction takes."""
    if restriction & Restriction.ENCRYPTION:
        return int(ua.MessageSecurityMode.SignAndEncrypt)
    return int(ua.MessageSecurityMode.Sign if restriction else ua.MessageSecurityMode.None_)


def _mode(session: Session) -> int:
    connection = session.connection
    return 0 if connection is None else int(connection.channel.mode)


def _confidential() -> list[ua.NodeId]:
    """Standard variables that tell about other sessions and about users (Part 5, 6.3.4; Part 18, 4.4)."""
    diagnostics = (
        Ids.Server_ServerDiagnostics_SubscriptionDiagnosticsArray,
        Ids.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionDiagnosticsArray,
        Ids.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionSecurityDiagnosticsArray,
    )
    roles = [
        number
        for number, name in ua.ObjectIdNames.items()
        if name.startswith("WellKnownRole_") and name.count("_") == 2
    ]
    return [ua.NodeId(number) for number in (*diagnostics, *roles)]
