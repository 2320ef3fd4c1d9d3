"""What a user can ask the server to do, and what its refusals mean: calls run in the user's own session."""

from __future__ import annotations

from typing import Any, Final

from asyncua import Client, ua

from hmi.topology import Topology

WORDS: Final = {
    "BadUserAccessDenied": "You are not allowed to do this.",
    "BadConditionBranchAlreadyAcked": "Already acknowledged.",
    "BadEventIdUnknown": "The alarm has changed meanwhile; look again.",
    "BadNodeIdUnknown": "The server does not know it.",
    "BadNodeIdInvalid": "The server does not know it.",
    "BadInvalidArgument": "The server does not know what is asked for.",
    "BadResourceUnavailable": "The server cannot make the file now. Close others, or try again later.",
    "BadConditionDisabled": "The alarm is disabled.",
    "BadConditionAlreadyDisabled": "Already disabled.",
    "BadConditionAlreadyEnabled": "Already enabled.",
    "BadConditionBranchAlreadyConfirmed": "Already confirmed.",
    "BadConditionAlreadyShelved": "Already shelved.",
    "BadConditionNotShelved": "It is not shelved.",
    "BadShelvingTimeOutOfRange": "It may not be shelved for so long.",
    "BadInvalidState": "Its state does not allow this.",
    "BadMethodInvalid": "The server does not offer this.",
    "BadWaitingForInitialData": "The server has no values of it yet; wait a few seconds.",
}


def words(status: ua.StatusCode) -> str:
    """A bad status for an operator."""
    return WORDS.get(status.name, f"The server refused: {status.name}.")


def calling(topology: Topology, owner: str, method: str, *arguments: ua.Variant) -> ua.CallMethodRequest:
    """The call of a method of the fleet, such as `Analytics.WhatIf`."""
    return ua.CallMethodRequest(topology.node(owner), topology.node(f"{owner}.{method}"), list(arguments))


async def outputs(
    client: Client, topology: Topology, owner: str, method: str, *arguments: ua.Variant
) -> list[Any]:
    """What a method of the fleet answers; `ua.UaStatusCodeError` where it refuses."""
    (result,) = await client.uaclient.call([calling(topology, owner, method, *arguments)])
    result.StatusCode.check()
    return [argument.Value for argument in result.OutputArguments]
