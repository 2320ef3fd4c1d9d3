"""Call (Part 4, 5.12): finds the method, checks role and arguments, and runs it with its caller known.

What arguments a method takes is what its InputArguments say to clients. Calls of one request run one after
the other; a method that waits keeps nobody else waiting.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from asyncua import ua

from server.events.event import Path
from server.protocol.dispatch import Call, Dispatcher
from server.protocol.sessions import Session
from server.protocol.stack import NodeData
from server.protocol.turns import Pace
from server.protocol.wire import OPERATION_ADDITIONAL_INFO, return_diagnostics
from server.security.audit import Audit
from server.security.permissions import Permission, Permissions, Profile
from server.security.users import User
from server.space.addressspace import AddressSpace
from server.space.nodes import HAS_COMPONENT, HAS_PROPERTY, HAS_SUBTYPE, HAS_TYPE
from server.space.valuetypes import ValueTypes

log = structlog.get_logger(__name__)

S = ua.StatusCodes
A = ua.AttributeIds
VT = ua.VariantType

MAX_CALLS: Final = 1000
_MOST_TYPES: Final = 50  # above each other: a loop in an imported NodeSet ends
# Who may call these changes nothing by it; all others are audited.
_HARMLESS: Final = frozenset({Profile.CALL_PUBLIC, Profile.CALL_OPEN, Profile.CALL_VIEWER})
_SECRET: Final = "password"  # in the name of an argument that no audit trail may hold
_HIDDEN: Final = ua.Variant("***", VT.String)


class MethodError(Exception):
    """A method cannot do what was asked; the text says why, for whoever asks for diagnostics."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or f"0x{code:08X}")
        self.code = code
        self.text = text


class ArgumentError(MethodError):
    """An argument is of its type, and still not what the method can take (Part 4, 5.12.2)."""

    def __init__(self, position: int, reason: int, text: str = "") -> None:
        super().__init__(S.BadInvalidArgument, text)
        self.position = position
        self.reason = reason


@dataclass(slots=True)
class Invocation:
    """Who calls a method on which object, with the values of its arguments; a null array is an empty one.

    A method that changes something sets `old`, for the audit trail: what that was before; and `new` where the
    arguments do not say what it is now.
    """

    call: Call
    object_id: ua.NodeId
    values: list[Any]
    old: str | None = None
    new: str | None = None

    @property
    def session(self) -> Session:
        """The caller's session."""
        return self.call.owner

    @property
    def user(self) -> User:
        """The caller."""
        return self.call.owner.user

    @property
    def peer(self) -> str:
        """Where the caller is."""
        return self.call.connection.peer


Outputs = Sequence[ua.Variant]
Function = Callable[[Invocation], Outputs | Awaitable[Outputs]]
# Further fields of a call's audit event.
Fields = Callable[[ua.CallMethodRequest], Mapping[Path, ua.Variant]]


@dataclass(frozen=True)
class _Method:
    """What a method does, the type of its audit event, 0 for none, and what that says besides."""

    function: Function
    audit: int
    action: str
    fields: Fields
    elsewhere: Callable[[ua.NodeId], bool]


class MethodService:
    """Methods by the NodeId under which they are called."""

    def __init__(
        self, space: AddressSpace, permissions: Permissions, types: ValueTypes, audit: Audit
    ) -> None:
        self._space = space
        self._permissions = permissions
        self._types = types
        self._audit = audit
        self._methods: dict[ua.NodeId, _Method] = {}
        self._arguments: dict[ua.NodeId, list[ua.Argument]] = {}

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.CallRequest, self._call)

    def add(
        self,
        method_id: ua.NodeId,
        profile: Profile,
        function: Function,
        audit: int | None = None,
        action: str = "call",
        fields: Fields = lambda _wanted: {},
        elsewhere: Callable[[ua.NodeId], bool] = lambda _object_id: False,
    ) -> None:
        """Answer calls of a method of the address space by whom `profile` lets.

        Calls that only somebody with a role above Viewer may make are audited, and those of methods that
        name an `audit` event type: as `action`, with events of that type and with `fields` of it. `elsewhere`
        tells of objects that it may be called on, though neither they nor their types have it.
        """
        if audit is None:
            audit = 0 if profile in _HARMLESS else ua.ObjectIds.AuditUpdateMethodEventType
        self._methods[method_id] = _Method(function, audit, action, fields, elsewhere)
        self._permissions.declare(method_id, profile)
        self._space.executable.add(method_id)

    async def _call(self, call: Call) -> ua.CallResponse:
        pace, calls = Pace(), []
        for wanted in call.elements(ua.CallMethodRequest, call.header.end, MAX_CALLS):
            calls.append(wanted)  # all are decoded before the first is made
            await pace.step()
        response, texts = ua.CallResponse(), []
        for wanted in calls:
            result, text = await self._one(call, wanted)
            response.Results.append(result)
            texts.append(text)
            await pace.step()
        if any(texts) and return_diagnostics(call.data) & OPERATION_ADDITIONAL_INFO:
            response.DiagnosticInfos = [ua.DiagnosticInfo(AdditionalInfo=text or None) for text in texts]
        return response

    async def _one(self, call: Call, wanted: ua.CallMethodRequest) -> tuple[ua.CallMethodResult, str]:
        """The result of a call, and why it is refused, for clients that ask for diagnostics."""
        result, invocation, text = ua.CallMethodResult(), None, ""
        method_id, method = wanted.MethodId, None
        try:
            if call.owner.closed:  # by an earlier call of the request, or meanwhile
                raise MethodError(S.BadSessionClosed)
            method_id = self._find(wanted)
            method = self._methods.get(method_id)
            if method is None:
                raise MethodError(S.BadNotExecutable)
            self._check_permission(call.owner, wanted.ObjectId, method_id)
            values = self._values(method_id, wanted.InputArguments, result)
            invocation = Invocation(call, wanted.ObjectId, values)
            outputs = method.function(invocation)
            result.OutputArguments = list(await outputs if inspect.isawaitable(outputs) else outputs)
        except MethodError as error:
            result.StatusCode, text = ua.StatusCode(error.code), error.text
            if isinstance(error, ArgumentError):
                codes = [S.Good] * len(wanted.InputArguments)
                codes[error.position] = error.reason
                result.InputArgumentResults = [ua.StatusCode(code) for code in codes]
        except Exception:  # a defect of one method must not cost the other calls their answer
            log.exception("method failed", method=method_id.to_string())
            result.StatusCode = ua.StatusCode(S.BadInternalError)
        if method is not None and method.audit:
            self._record(call, method, method_id, wanted, result, invocation)
        return result, text

    # -- which method

    def _find(self, wanted: ua.CallMethodRequest) -> ua.NodeId:
        """The method of the object that is meant: by its own id, or by that in the object's type."""
        owner = self._space.get(wanted.ObjectId)
        if owner is None:
            raise MethodError(S.BadNodeIdUnknown)
        own, known = _methods_of(owner), self._methods.get(wanted.MethodId)
        if wanted.MethodId in own or (known is not None and known.elsewhere(wanted.ObjectId)):
            return wanted.MethodId
        above = self._type_above(owner)
        for _ in range(_MOST_TYPES):
            if above is None:
                break
            declared = _methods_of(above)
            if wanted.MethodId in declared:
                name = declared[wanted.MethodId]
                return next((each for each, own_name in own.items() if own_name == name), wanted.MethodId)
            above = self._type_above(above)
        raise MethodError(S.BadMethodInvalid)

    def _type_above(self, node: NodeData) -> NodeData | None:
        """The type of an object, or the type above a type."""
        for ref in node.references:
            if ref.ReferenceTypeId == (HAS_TYPE if ref.IsForward else HAS_SUBTYPE):
                return self._space.get(ref.NodeId)
        return None

    def _check_permission(self, session: Session, object_id: ua.NodeId, method_id: ua.NodeId) -> None:
        """Object and method must both allow it (Part 3, 8.55)."""
        for node_id in (object_id, method_id):
            profile = self._permissions.profile(node_id)
            code = self._permissions.refusal(profile, session, Permission.CALL)
            if code:
                raise MethodError(code)

    # -- with which arguments

    def _values(
        self, method_id: ua.NodeId, given: list[ua.Variant], result: ua.CallMethodResult
    ) -> list[Any]:
        """The values of the arguments; where one is wrong, `result` says which."""
        declared = self._declared(method_id)
        if len(given) < len(declared):
            raise MethodError(S.BadArgumentsMissing)
        if len(given) > len(declared):
            raise MethodError(S.BadTooManyArguments)
        fit = [
            self._types.fits(value, argument.DataType, argument.ValueRank)
            for argument, value in zip(declared, given, strict=True)
        ]
        if not all(fit):
            codes = [S.Good if each else S.BadTypeMismatch for each in fit]
            result.InputArgumentResults = [ua.StatusCode(code) for code in codes]
            raise MethodError(S.BadInvalidArgument)
        return [
            [] if argument.ValueRank >= 0 and value.Value is None else value.Value
            for argument, value in zip(declared, given, strict=True)
        ]

    def _declared(self, method_id: ua.NodeId) -> list[ua.Argument]:
        """The InputArguments of a method, which do not change."""
        found = self._arguments.get(method_id)
        if found is None:
            found = self._arguments[method_id] = self._input_arguments(method_id)
        return found

    def _input_arguments(self, method_id: ua.NodeId) -> list[ua.Argument]:
        method = self._space.get(method_id)
        for ref in method.references if method is not None else ():
            if ref.IsForward and ref.ReferenceTypeId == HAS_PROPERTY and _is_input(ref.BrowseName):
                node = self._space.get(ref.NodeId)
                value = None if node is None else node.attributes[A.Value].value
                return list(value.Value.Value or ()) if value is not None else []
        return []

    # -- the trail

    def _record(
        self,
        call: Call,
        method: _Method,
        method_id: ua.NodeId,
        wanted: ua.CallMethodRequest,
        result: ua.CallMethodResult,
        invocation: Invocation | None,
    ) -> None:
        given = self._without_secrets(method_id, wanted.InputArguments)
        texts = ", ".join(str(value.Value) for value in given)
        self._audit.record(
            method.audit,
            method.action,
            status=result.StatusCode.value,
            call=call,
            target=f"{wanted.ObjectId.to_string()} {method_id.to_string()}",
            old=None if invocation is None else invocation.old,
            new=texts or None if invocation is None or invocation.new is None else invocation.new,
            fields={
                ("MethodId",): ua.Variant(method_id, VT.NodeId),
                ("StatusCodeId",): ua.Variant(result.StatusCode, VT.StatusCode),
                ("InputArguments",): ua.Variant(given, VT.Variant, is_array=True),
                ("OutputArguments",): ua.Variant(result.OutputArguments, VT.Variant, is_array=True),
                **method.fields(wanted),
            },
        )

    def _without_secrets(self, method_id: ua.NodeId, given: list[ua.Variant]) -> list[ua.Variant]:
        names = [str(argument.Name or "").lower() for argument in self._declared(method_id)]
        if any(_SECRET in name for name in names) and len(names) != len(given):
            return []  # nobody knows which of them is the secret
        hidden = [_SECRET in name for name in names] + [False] * len(given)
        return [_HIDDEN if secret else value for value, secret in zip(given, hidden, strict=False)]


def _methods_of(node: NodeData) -> dict[ua.NodeId, ua.QualifiedName]:
    """BrowseNames of the methods that an object or type has by itself."""
    return {
        ref.NodeId: ref.BrowseName
        for ref in node.references
        if ref.IsForward and ref.ReferenceTypeId == HAS_COMPONENT and ref.NodeClass == ua.NodeClass.Method
    }


def _is_input(name: ua.QualifiedName) -> bool:
    return bool(name.NamespaceIndex == 0 and name.Name == "InputArguments")
