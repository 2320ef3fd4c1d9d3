"""Users and roles as OPC UA has them (Part 18): UserManagement (5.2) and the identities of roles (4.4).

AddUser gives the role of an Observer, AddIdentity another one. An account has one role, which includes those
below it: adding a user to a role is a change of role, and taking the user out leaves an Observer. Whoever
loses something by a change loses the sessions too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from asyncua import ua

from historian.accounts import Account
from historian.errors import HistorianError
from server.protocol.sessions import Sessions
from server.security import errors
from server.security.accounts import SERVICE_ACCOUNTS, Accounts
from server.security.audit import Audit
from server.security.passwords import MAX_LENGTH
from server.security.permissions import WELL_KNOWN_ROLES, Permissions, Profile
from server.security.usercertificates import is_thumbprint, name_in
from server.security.users import Role
from server.services.method import Function, Invocation, MethodError, MethodService, Outputs
from server.space.addressspace import AddressSpace

S = ua.StatusCodes
VT = ua.VariantType
Ids = ua.ObjectIds
Mask = ua.UserConfigurationMask
Criteria = ua.IdentityCriteriaType

_FIXED: Final = Mask.NoDelete | Mask.NoChangeByUser  # of the accounts that are Voltkeep's own
_OPTIONS: Final = (
    ua.PasswordOptionsMask.SupportInitialPasswordChange
    | ua.PasswordOptionsMask.SupportDisableUser
    | ua.PasswordOptionsMask.SupportDescriptionForUser
)
_CODES: Final[dict[type[Exception], int]] = {
    errors.UnknownAccount: S.BadNotFound,
    errors.AccountExists: S.BadAlreadyExists,
    errors.TooManyAccounts: S.BadResourceUnavailable,
    errors.BadName: S.BadInvalidArgument,
    errors.BadPassword: S.BadOutOfRange,
    errors.SamePassword: S.BadAlreadyExists,
    errors.WrongPassword: S.BadIdentityTokenInvalid,
    errors.LastAdmin: S.BadRequestNotAllowed,
    errors.ServiceAccount: S.BadNotSupported,
    errors.Busy: S.BadServerTooBusy,
    HistorianError: S.BadResourceUnavailable,
}
_ROLE_OF: Final = {
    ua.NodeId(identifier): role
    for role, identifiers in WELL_KNOWN_ROLES.items()
    for identifier in identifiers
    if identifier not in (Ids.WellKnownRole_Anonymous, Ids.WellKnownRole_AuthenticatedUser)
}


class UserMethods:
    """The methods and properties of UserManagement and of the roles."""

    def __init__(self, accounts: Accounts, sessions: Sessions, audit: Audit) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._audit = audit
        accounts.locked_out = self._locked_out

    def register(self, methods: MethodService, permissions: Permissions, space: AddressSpace) -> None:
        """Take on the methods, and fill in the properties."""
        for name, profile, function in (
            ("AddUser", Profile.CALL_ADMIN, self._add_user),
            ("ModifyUser", Profile.CALL_ADMIN, self._modify_user),
            ("RemoveUser", Profile.CALL_ADMIN, self._remove_user),
            ("ChangePassword", Profile.CALL_PUBLIC, self._change_password),
        ):
            methods.add(ua.NodeId(getattr(Ids, f"UserManagement_{name}")), profile, _guarded(function))
        permissions.declare(ua.NodeId(Ids.UserManagement_Users), Profile.ADMIN_ONLY)
        space.set_reader(Ids.UserManagement_Users, self._users)
        length = ua.Range(Low=float(self._accounts.rules.min_length), High=float(MAX_LENGTH))
        space.set_value(Ids.UserManagement_PasswordLength, length, VT.ExtensionObject)
        space.set_value(Ids.UserManagement_PasswordOptions, int(_OPTIONS), VT.UInt32)
        rules = ua.LocalizedText(self._accounts.rules.text, "en")
        space.set_value(Ids.UserManagement_PasswordRestrictions, rules, VT.LocalizedText)
        self._register_roles(methods, space)

    def _register_roles(self, methods: MethodService, space: AddressSpace) -> None:
        kind = int(Ids.RoleMappingRuleChangedAuditEventType)
        for node_id, role in _ROLE_OF.items():
            name = ua.ObjectIdNames[node_id.Identifier]
            for method, function in (
                ("AddIdentity", self._add_identity),
                ("RemoveIdentity", self._remove_identity),
            ):
                method_id = ua.NodeId(getattr(Ids, f"{name}_{method}"))
                methods.add(method_id, Profile.CALL_ADMIN, _guarded(function), kind)
            space.set_reader(getattr(Ids, f"{name}_Identities"), partial(self._identities, role))
        for name, criteria in (
            ("Anonymous", Criteria.Anonymous),
            ("AuthenticatedUser", Criteria.AuthenticatedUser),
        ):
            rules = [_rule(criteria, "")]
            space.set_value(getattr(Ids, f"WellKnownRole_{name}_Identities"), rules, VT.ExtensionObject)

    # -- properties

    def _users(self) -> ua.DataValue:
        found = [ua.UserManagementDataType(a.name, _mask(a), a.description) for a in self._accounts.all()]
        return _reading(found)

    def _identities(self, role: Role) -> ua.DataValue:
        rules = []
        for account in self._accounts.all():
            if account.role == role.title:
                if account.password_hash:
                    rules.append(_rule(Criteria.UserName, account.name))
                rules += [_rule(_criteria(c), c) for c in account.certificates]
        return _reading(rules)

    # -- UserManagement

    async def _add_user(self, call: Invocation) -> Outputs:
        name, password, mask, description = call.values
        configuration = _checked_mask(name or "", mask)
        await self._accounts.add(
            name or "",
            password or "",
            must_change=bool(configuration & Mask.MustChangePassword),
            enabled=not configuration & Mask.Disabled,
            description=description or "",
        )
        self._record(call, "add user", name, None, _text(self._accounts.get(name)))
        return ()

    async def _modify_user(self, call: Invocation) -> Outputs:
        name, change_password, password, change_mask, mask, change_description, description = call.values
        before = self._accounts.get(name or "")
        configuration = _checked_mask(before.name, mask) if change_mask else _mask(before)
        disabled = bool(configuration & Mask.Disabled)
        if disabled and change_mask and before.name == call.user.name:
            raise MethodError(S.BadInvalidSelfReference)
        must_change = bool(configuration & Mask.MustChangePassword)
        await self._accounts.modify(
            before.name,
            password=(password or "") if change_password else None,
            must_change=must_change if change_mask else None,
            enabled=not disabled if change_mask else None,
            description=(description or "") if change_description else None,
        )
        after = self._accounts.get(before.name)
        if change_password:
            self._record(call, "set password", before.name)
        if _text(after) != _text(before):
            self._record(call, "change user", before.name, _text(before), _text(after))
        if change_password or (change_mask and (disabled or must_change)):
            self._sessions.end(before.name, but=call.session)
        return ()

    async def _remove_user(self, call: Invocation) -> Outputs:
        (name,) = call.values
        before = self._accounts.get(name or "")
        if before.name == call.user.name:
            raise MethodError(S.BadInvalidSelfReference)
        await self._accounts.remove(before.name)
        self._record(call, "remove user", before.name, _text(before))
        self._sessions.end(before.name)
        return ()

    async def _change_password(self, call: Invocation) -> Outputs:
        """Part 18, 5.2.8; the session keeps its role until it is activated with the new password."""
        if not _encrypted(call):
            raise MethodError(S.BadSecurityModeInsufficient)
        if not call.user.name or call.user.certified:
            raise MethodError(S.BadInvalidState)
        old, new = call.values
        await self._accounts.change_password(call.user.name, old or "", new or "", call.peer)
        self._record(call, "change password", call.user.name)
        self._sessions.end(call.user.name, but=call.session)
        return ()

    # -- roles

    async def _add_identity(self, call: Invocation) -> Outputs:
        criteria, text = _checked_rule(call.values[0])
        role = _ROLE_OF[call.object_id]
        account = self._found(criteria, text)
        if account is not None and account.role == role.title:
            raise MethodError(S.BadAlreadyExists)
        name, before = await self._give(criteria, text, account, role)
        self._record(call, "change role", name, before, self._accounts.get(name).role)
        self._sessions.end(name)
        return ()

    async def _give(
        self, criteria: ua.IdentityCriteriaType, text: str, account: Account | None, role: Role
    ) -> tuple[str, str | None]:
        """Give a role; the name of the account and its role before, if it was there."""
        if criteria is not Criteria.UserName:
            before = {each.name: each.role for each in self._accounts.all()}
            name = await self._accounts.add_certificate(text, role)
            return name, before.get(name)
        if account is None:
            raise MethodError(S.BadInvalidArgument, f"there is no user {text!r}")
        await self._accounts.set_role(account.name, role)
        return account.name, account.role

    async def _remove_identity(self, call: Invocation) -> Outputs:
        criteria, text = _checked_rule(call.values[0])
        role = _ROLE_OF[call.object_id]
        account = self._found(criteria, text)
        if account is None or account.role != role.title:
            raise MethodError(S.BadNotFound)
        if criteria is not Criteria.UserName:
            await self._accounts.remove_certificate(text)
            self._record(call, "remove certificate", account.name, text)
        elif role is Role.VIEWER:
            raise MethodError(S.BadRequestNotAllowed, "every user is at least an Observer")
        else:
            await self._accounts.set_role(account.name, Role.VIEWER)
            self._record(call, "change role", account.name, account.role, Role.VIEWER.title)
        self._sessions.end(account.name)
        return ()

    def _found(self, criteria: ua.IdentityCriteriaType, text: str) -> Account | None:
        if criteria is not Criteria.UserName:
            return self._accounts.with_certificate(text)
        return self._accounts.get(text) if text in self._accounts else None

    # -- the trail

    def _record(self, call: Invocation, action: str, target: str, old: Any = None, new: Any = None) -> None:
        kind = int(Ids.AuditSecurityEventType)
        self._audit.record(kind, action, call=call.call, target=target, old=old, new=new)

    def _locked_out(self, name: str, peer: str) -> None:
        known = name if name in self._accounts else "unknown user"
        self._audit.record(
            int(Ids.AuditSecurityEventType),
            "lock out",
            status=int(S.BadUserAccessDenied),
            user=name,
            target=known,
            new=peer,
        )


def _guarded(act: Callable[[Invocation], Awaitable[Outputs]]) -> Function:
    async def guarded(call: Invocation) -> Outputs:
        try:
            return await act(call)
        except (errors.AccountError, HistorianError) as error:
            raise MethodError(int(_CODES[type(error)]), str(error)) from None

    return guarded


def _mask(account: Account) -> ua.UserConfigurationMask:
    """The UserConfiguration of an account (Part 18, 5.2.3)."""
    mask = int(_FIXED) if account.name in SERVICE_ACCOUNTS else 0
    mask |= 0 if account.enabled else int(Mask.Disabled)
    mask |= int(Mask.MustChangePassword) if account.must_change else 0
    return Mask(mask)


def _checked_mask(name: str, value: int) -> ua.UserConfigurationMask:
    """A UserConfiguration that we support."""
    fixed = int(_FIXED) if name in SERVICE_ACCOUNTS else 0
    if value & Mask.NoChangeByUser and value & Mask.MustChangePassword:
        raise MethodError(S.BadConfigurationError)
    if value & ~int(Mask.Disabled | Mask.MustChangePassword | fixed):
        raise MethodError(S.BadNotSupported)
    return Mask(value)


def _checked_rule(value: Any) -> tuple[ua.IdentityCriteriaType, str]:
    """Criteria type and criterion of a rule that we support (Part 18, 4.4.3)."""
    if not isinstance(value, ua.IdentityMappingRuleType):
        raise MethodError(S.BadInvalidArgument)
    criteria, text = value.CriteriaType, value.Criteria or ""
    if criteria is Criteria.UserName:
        valid = bool(text)
    elif criteria is Criteria.Thumbprint:
        valid = is_thumbprint(text)
    elif criteria is Criteria.X509Subject:
        valid = name_in(text) is not None
    else:
        raise MethodError(S.BadNotSupported)
    if not valid:
        raise MethodError(S.BadInvalidArgument)
    return criteria, text


def _criteria(certificate: str) -> ua.IdentityCriteriaType:
    return Criteria.Thumbprint if is_thumbprint(certificate) else Criteria.X509Subject


def _rule(criteria: ua.IdentityCriteriaType, text: str) -> ua.IdentityMappingRuleType:
    return ua.IdentityMappingRuleType(criteria, text)


def _reading(found: list[Any]) -> ua.DataValue:
    return ua.DataValue(ua.Variant(found, VT.ExtensionObject, is_array=True))


def _encrypted(call: Invocation) -> bool:
    mode = call.call.connection.channel.mode
    return bool(mode is ua.MessageSecurityMode.SignAndEncrypt)


def _text(account: Account) -> str:
    """An account for the trail, without its password."""
    parts = [account.role, "enabled" if account.enabled else "disabled"]
    if account.must_change:
        parts.append("must change the password")
    return ", ".join([*parts, account.description] if account.description else parts)
