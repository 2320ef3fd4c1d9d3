"""Calls whose refusal the server itself puts into words: DiagnosticInfo of the operation (Part 4, 7.12)."""

from __future__ import annotations

from typing import Final

from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_from_binary

from hmi.methods import words

ADDITIONAL_INFO: Final = 0x80  # of operations, in ReturnDiagnostics (Part 4, 7.33)


async def spoken(
    client: Client, call: ua.CallMethodRequest, patience: float | None = None
) -> tuple[ua.CallMethodResult, str]:
    """The result of a call, and why it was refused; nothing where it was not.

    `patience` [s] is how long it may take; without it as long as any request.
    """
    request = ua.CallRequest()
    request.RequestHeader.ReturnDiagnostics = ADDITIONAL_INFO
    request.Parameters.MethodsToCall = [call]
    data = await client.uaclient.protocol.send_request(request, patience)
    response = struct_from_binary(ua.CallResponse, data)
    response.ResponseHeader.ServiceResult.check()
    result = response.Results[0]
    if result.StatusCode.is_good():
        return result, ""
    said = response.DiagnosticInfos[0].AdditionalInfo if response.DiagnosticInfos else ""
    return result, said or words(result.StatusCode)
