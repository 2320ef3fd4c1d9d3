"""Alarms.TestNotification: a message that shows whether a group can be reached (A9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asyncua import ua

from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs

S = ua.StatusCodes


class NotificationMethods:
    """The method on whatever notifies; `test` sends, and raises KeyError for an unknown group."""

    def __init__(self) -> None:
        self.test: Callable[[str], Awaitable[int]] | None = None

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the method of the Alarms object."""
        methods.add(node_id("Alarms.TestNotification"), Profile.CALL_ADMIN, self._test)

    async def _test(self, call: Invocation) -> Outputs:
        (group,) = call.values
        if self.test is None:
            raise MethodError(S.BadNotSupported, "no notification file is set (notify.file)")
        try:
            count = await self.test(group or "")
        except KeyError:
            raise ArgumentError(0, S.BadNotFound, f"there is no group '{group}'") from None
        return (ua.Variant(count, ua.VariantType.UInt32),)
