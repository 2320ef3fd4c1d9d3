"""Call (Part 4, 5.12): finds the method, checks arguments and role, and runs it with its caller known."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua

from nodeset.methods import METHODS
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.sessions import Session
from server.protocol.stack import NodeData
from server.security.users import Role
from server.space.addressspace import AddressSpace
from server.space.nodes import HAS_SUBTYPE, HAS_TYPE

S = ua.StatusCodes

MAX_CALLS: Final = 1000


class MethodError(Exception):
    """A method cannot do what was asked; the text says why, for the log."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or f"0x{code:08X}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Invocation:
    """Who calls a method on which object, with the values of its arguments."""

    session: Session
    object_id: ua.NodeId
    values: list[Any]


Outputs = Sequence[ua.Variant]
Function = Callable[[Invocation], Outputs | Awaitable[Outputs]]


@dataclass(frozen=True)
class Argument:
    """Type of an input argument: a scalar, or an array of one dimension."""

    type: ua.VariantType
    array: bool = False

    def takes(self, variant: ua.Variant) -> bool:
        """Whether a value is of this type; a null array is an empty one."""
        if self.array:
            return variant.Value is None or (
                isinstance(variant.Value, list) and variant.VariantType is self.type
            )
        return variant.VariantType is self.type and not isinstance(variant.Value, list)


@dataclass(frozen=True)
class Method:
    """A method as it is called: its arguments, who may call it, and what it does."""

    arguments: tuple[Argument, ...]
    role: Role
    function: Function


def declared(owner: str, name: str, role: Role, function: Function) -> Method:
    """A method with the arguments that the NodeSet declares for it."""
    definition = next(m for m in METHODS if m.owner == owner and m.name == name)
    arguments = tuple(Argument(ua.VariantType(a.data_type.value), a.array) for a in definition.inputs)
    return Method(arguments, role, function)


class MethodService:
    """Methods by the NodeId under which they are called."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space
        self._methods: dict[ua.NodeId, Method] = {}

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.CallRequest, self._call)

    def add(self, method_id: ua.NodeId, method: Method) -> None:
        """Answer calls of `method_id`."""
        self._methods[method_id] = method

    async def _call(self, call: Call) -> ua.CallResponse:
        params = call.params(ua.CallParameters)
        check_operations(len(params.MethodsToCall), MAX_CALLS)
        response = ua.CallResponse()
        response.Results = [await self._one(call.owner, wanted) for wanted in params.MethodsToCall]
        return response

    async def _one(self, session: Session, wanted: ua.CallMethodRequest) -> ua.CallMethodResult:
        result = ua.CallMethodResult()
        try:
            method = self._find(wanted)
            if not session.user.may(method.role):
                raise MethodError(S.BadUserAccessDenied)
            checked = _checked(method, wanted.InputArguments)
            if any(status.value for status in checked):
                result.InputArgumentResults = checked
                raise MethodError(S.BadInvalidArgument)
            values = [
                [] if argument.array and variant.Value is None else variant.Value
                for argument, variant in zip(method.arguments, wanted.InputArguments, strict=True)
            ]
            outputs = method.function(Invocation(session, wanted.ObjectId, values))
            result.OutputArguments = list(await outputs if inspect.isawaitable(outputs) else outputs)
        except MethodError as error:
            result.StatusCode = ua.StatusCode(error.code)
        return result

    def _find(self, wanted: ua.CallMethodRequest) -> Method:
        owner = self._space.get(wanted.ObjectId)
        if owner is None:
            raise MethodError(S.BadNodeIdUnknown)
        if not self._has(owner, wanted.MethodId):
            raise MethodError(S.BadMethodInvalid)
        method = self._methods.get(wanted.MethodId)
        if method is None:
            raise MethodError(S.BadNotImplemented)
        return method

    def _has(self, owner: NodeData, method_id: ua.NodeId) -> bool:
        """Whether the object, its type or a type above that has the method (Part 4, 5.12.2)."""
        node: NodeData | None = owner
        while node is not None:
            above = None
            for ref in node.references:
                if ref.IsForward and ref.NodeId == method_id:
                    return True
                if ref.ReferenceTypeId == (HAS_TYPE if ref.IsForward else HAS_SUBTYPE):
                    above = ref.NodeId
            node = None if above is None else self._space.get(above)
        return False


def _checked(method: Method, given: list[ua.Variant]) -> list[ua.StatusCode]:
    """A StatusCode an argument."""
    if len(given) < len(method.arguments):
        raise MethodError(S.BadArgumentsMissing)
    if len(given) > len(method.arguments):
        raise MethodError(S.BadTooManyArguments)
    return [
        ua.StatusCode(S.Good if argument.takes(variant) else S.BadTypeMismatch)
        for argument, variant in zip(method.arguments, given, strict=True)
    ]
