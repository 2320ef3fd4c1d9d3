"""What a user can ask the server to do: acknowledge conditions, predict the life of a jar.

Both run in the user's own OPC UA session; a refusal comes back in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asyncua import ua

from hmi.accounts import Accounts, WebSession
from hmi.alarms import Condition
from hmi.topology import Topology

CALLS_AT_ONCE: Final = 100
ACKNOWLEDGE: Final = ua.ObjectIds.AcknowledgeableConditionType_Acknowledge

WORDS: Final = {
    "BadUserAccessDenied": "You are not allowed to do this.",
    "BadConditionBranchAlreadyAcked": "Already acknowledged.",
    "BadEventIdUnknown": "The alarm has changed meanwhile; look again.",
    "BadNodeIdUnknown": "The server does not know it.",
    "BadNodeIdInvalid": "The server does not know it.",
    "BadMethodInvalid": "The server does not offer this.",
    "BadInvalidArgument": "The server does not know what is asked for.",
    "BadResourceUnavailable": "The server cannot make the file now. Close others, or try again later.",
    "BadConditionDisabled": "The alarm is disabled.",
}


def words(status: ua.StatusCode) -> str:
    """A bad status for an operator."""
    return WORDS.get(status.name, f"The server refused: {status.name}.")


async def acknowledge(
    accounts: Accounts,
    session: WebSession,
    topology: Topology,
    conditions: Sequence[Condition],
    comment: str,
) -> list[str]:
    """Acknowledge conditions (Part 9, 5.7.3): for each nothing, or the refusal in words."""
    answers: list[str] = []
    for start in range(0, len(conditions), CALLS_AT_ONCE):
        part = conditions[start : start + CALLS_AT_ONCE]
        requests = [_acknowledgement(topology, condition, comment) for condition in part]
        results = await accounts.call(session, requests)
        answers += ["" if r.StatusCode.is_good() else words(r.StatusCode) for r in results]
    return answers


async def predict(
    accounts: Accounts, session: WebSession, topology: Topology, jar: str
) -> dict[str, Any] | str:
    """A jar's prediction with its factors, or why there is none."""
    request = ua.CallMethodRequest()
    request.ObjectId = topology.node("Analytics")
    request.MethodId = topology.node("Analytics.PredictRul")
    request.InputArguments = [ua.Variant(jar, ua.VariantType.String)]
    result = (await accounts.call(session, [request]))[0]
    if not result.StatusCode.is_good():
        return words(result.StatusCode)
    names = ("days", "lower", "upper", "confidence", "factors", "shares", "version")
    values = [argument.Value for argument in result.OutputArguments]
    return dict(zip(names, values, strict=False))


def _acknowledgement(topology: Topology, condition: Condition, comment: str) -> ua.CallMethodRequest:
    request = ua.CallMethodRequest()
    request.ObjectId = topology.node(condition.id)
    request.MethodId = ua.NodeId(ACKNOWLEDGE)
    request.InputArguments = [
        ua.Variant(bytes.fromhex(condition.event), ua.VariantType.ByteString),
        ua.Variant(ua.LocalizedText(comment, "en"), ua.VariantType.LocalizedText),
    ]
    return request
