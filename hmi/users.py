"""Users and roles of the server, as its UserManagement and its roles tell of them (Part 18, 4.4 and 5.2).

All of it runs in the session of an administrator; the server keeps the rules: one admin at least, nobody
removes themselves, no word of a password is ever read.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Any, Final

from asyncua import Client, ua

_Ids = ua.ObjectIds
_Mask = ua.UserConfigurationMask
# The roles of OPC UA that stand for ours, each including those before it; a new user has the first.
ROLES: Final = {
    "Viewer": _Ids.WellKnownRole_Observer,
    "Operator": _Ids.WellKnownRole_Operator,
    "Engineer": _Ids.WellKnownRole_Engineer,
    "Admin": _Ids.WellKnownRole_SecurityAdmin,
}
ONE_TIME_BYTES: Final = 12
_STRING, _BOOLEAN, _UINT32 = ua.VariantType.String, ua.VariantType.Boolean, ua.VariantType.UInt32
Calls = list[ua.CallMethodRequest]


@dataclass(frozen=True)
class Person:
    """One account; `fixed` ones are Voltkeep's own and cannot be changed."""

    name: str
    role: str
    enabled: bool
    must_change: bool
    fixed: bool
    description: str


async def people(client: Client) -> list[dict[str, Any]]:
    """All accounts by name, for JSON; `ua.UaStatusCodeError` for whoever is no administrator."""
    nodes = [ua.NodeId(_Ids.UserManagement_Users)]
    nodes += [ua.NodeId(getattr(_Ids, f"{ua.ObjectIdNames[number]}_Identities")) for number in ROLES.values()]
    values = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    for data in values:
        data.StatusCode.check()
    accounts, *identities = (data.Value.Value or [] for data in values)
    roles = _roles(identities)
    found = [_person(account, roles) for account in accounts]
    return [asdict(person) for person in sorted(found, key=lambda person: person.name.lower())]


def adding(name: str, role: str, description: str) -> tuple[str, Calls]:
    """A new one-time password, and the calls that add a user who has to change it."""
    password = secrets.token_urlsafe(ONE_TIME_BYTES)
    mask = ua.Variant(int(_Mask.MustChangePassword), _UINT32)
    add = _manage("AddUser", _text(name), _text(password), mask, _text(description))
    return password, [add] if role == "Viewer" else [add, role_change(name, role)]


def resetting(name: str) -> tuple[str, Calls]:
    """A new one-time password, and the call that sets it."""
    password = secrets.token_urlsafe(ONE_TIME_BYTES)
    return password, [_modify(name, password, _Mask.MustChangePassword, changes_mask=True)]


def enabling(name: str, enabled: bool, must_change: bool) -> ua.CallMethodRequest:
    """The call that lets a user in, or no longer."""
    mask = (_Mask.MustChangePassword if must_change else 0) | (0 if enabled else _Mask.Disabled)
    return _modify(name, None, mask, changes_mask=True)


def role_change(name: str, role: str) -> ua.CallMethodRequest:
    """The call that gives a role; KeyError where there is none of that name."""
    role_id = ROLES[role]
    rule = ua.IdentityMappingRuleType(ua.IdentityCriteriaType.UserName, name)
    method = getattr(_Ids, f"{ua.ObjectIdNames[role_id]}_AddIdentity")
    arguments = [ua.Variant(rule, ua.VariantType.ExtensionObject)]
    return ua.CallMethodRequest(ua.NodeId(role_id), ua.NodeId(method), arguments)


def removal(name: str) -> ua.CallMethodRequest:
    """The call that removes a user."""
    return _manage("RemoveUser", _text(name))


def _modify(name: str, password: str | None, mask: int, changes_mask: bool) -> ua.CallMethodRequest:
    return _manage(
        "ModifyUser",
        _text(name),
        ua.Variant(password is not None, _BOOLEAN),
        _text(password or ""),
        ua.Variant(changes_mask, _BOOLEAN),
        ua.Variant(int(mask), _UINT32),
        ua.Variant(False, _BOOLEAN),
        _text(""),
    )


def _manage(method: str, *arguments: ua.Variant) -> ua.CallMethodRequest:
    node = ua.NodeId(getattr(_Ids, f"UserManagement_{method}"))
    return ua.CallMethodRequest(ua.NodeId(_Ids.UserManagement), node, list(arguments))


def _text(text: str) -> ua.Variant:
    return ua.Variant(text, _STRING)


def _roles(identities: list[Any]) -> dict[str, str]:
    """Role of each user by name; who comes with a certificate alone is named by none."""
    return {
        rule.Criteria: role
        for role, rules in zip(ROLES, identities, strict=True)
        for rule in rules
        if rule.CriteriaType is ua.IdentityCriteriaType.UserName
    }


def _person(account: Any, roles: dict[str, str]) -> Person:
    mask = int(account.UserConfiguration)
    return Person(
        account.UserName or "",
        roles.get(account.UserName or "", ""),
        not mask & _Mask.Disabled,
        bool(mask & _Mask.MustChangePassword),
        bool(mask & _Mask.NoDelete),
        account.Description or "",
    )
