"""A client that remembers whether the server wants a new password of its user (Part 18, 5.2.8)."""

from __future__ import annotations

from typing import Any, Final

from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_from_binary

LOG_IN_TIMEOUT: Final = 9.0  # s; the server takes its time to say no to one who guesses


class UserClient(Client):  # type: ignore[misc]
    """A client whose `must_change` is what its last log-in was answered with."""

    must_change: bool = False

    async def activate_session(self, *arguments: Any, **named: Any) -> ua.ActivateSessionResult:
        """Log in; asyncua itself drops the good StatusCode that says more than Good."""
        protocol = self.uaclient.protocol
        send = protocol.send_request

        async def look_at_answer(request: Any, *more: Any) -> Any:
            log_in = isinstance(request, ua.ActivateSessionRequest)
            data = await send(request, LOG_IN_TIMEOUT, *more[1:]) if log_in else await send(request, *more)
            if log_in:
                answer = struct_from_binary(ua.ActivateSessionResponse, data.copy())
                status = answer.ResponseHeader.ServiceResult.value
                self.must_change = status == ua.StatusCodes.GoodPasswordChangeRequired
            return data

        protocol.send_request = look_at_answer
        try:
            return await super().activate_session(*arguments, **named)
        finally:
            protocol.send_request = send
