"""What a user does to alarms: the methods of Part 9, in the user's own OPC UA session.

The server alone decides who may do what, and in which state of a condition; each refusal comes back in words.
Methods are named by their NodeIds in the types, and called on the condition (Part 9, 5.5 to 5.8): so they
work with any server of conditions. Those that end with 2 take a comment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua

from hmi.accounts import Accounts
from hmi.alarms import Condition
from hmi.methods import WORDS, words
from hmi.topology import Topology
from hmi.websession import WebSession

CALLS_AT_ONCE: Final = 100
_MILLISECONDS: Final = 1000.0
_TEXT: Final = ua.VariantType.LocalizedText
_Ids = ua.ObjectIds
# Of a moment that an event names: they want its EventId, and the comment.
_OF_EVENT: Final = {
    "acknowledge": _Ids.AcknowledgeableConditionType_Acknowledge,
    "confirm": _Ids.AcknowledgeableConditionType_Confirm,
    "comment": _Ids.ConditionType_AddComment,
}
_OF_CONDITION: Final = {
    "unshelve": _Ids.ShelvedStateMachineType_Unshelve2,
    "suppress": _Ids.AlarmConditionType_Suppress2,
    "unsuppress": _Ids.AlarmConditionType_Unsuppress2,
    "remove": _Ids.AlarmConditionType_RemoveFromService2,
    "place": _Ids.AlarmConditionType_PlaceInService2,
}
_SILENT: Final = {"enable": _Ids.ConditionType_Enable, "disable": _Ids.ConditionType_Disable}
GONE: Final = "The alarm is gone."
# Refused because somebody else was first: it is told who.
FORESTALLED: Final = frozenset(
    {
        GONE,
        *(WORDS[f"BadConditionBranchAlready{done}"] for done in ("Acked", "Confirmed")),
        WORDS["BadConditionAlreadyShelved"],
        WORDS["BadConditionNotShelved"],
        WORDS["BadEventIdUnknown"],
    }
)
ACTIONS: Final = frozenset({*_OF_EVENT, *_OF_CONDITION, *_SILENT, "shelve"})


@dataclass(frozen=True)
class Action:
    """One of `ACTIONS`; `shelve` lasts so many seconds, 0 until the alarm clears."""

    name: str
    comment: str = ""
    seconds: float = 0.0

    @property
    def of_event(self) -> bool:
        """Whether it is about what an event told."""
        return self.name in _OF_EVENT


async def act(
    accounts: Accounts,
    session: WebSession,
    topology: Topology,
    conditions: Sequence[Condition],
    action: Action,
) -> list[str]:
    """Do it to each condition: for each nothing, or the refusal in words."""
    answers: list[str] = []
    for start in range(0, len(conditions), CALLS_AT_ONCE):
        part = conditions[start : start + CALLS_AT_ONCE]
        requests = [request(topology, condition, action) for condition in part]
        results = await accounts.call(session, requests)
        answers += ["" if r.StatusCode.is_good() else words(r.StatusCode) for r in results]
    return answers


def request(topology: Topology, condition: Condition, action: Action) -> ua.CallMethodRequest:
    """The call of an action on a condition; of a branch its EventId tells which."""
    comment = ua.Variant(ua.LocalizedText(action.comment, "en"), _TEXT)
    made = ua.CallMethodRequest()
    made.ObjectId = topology.node(condition.id)
    if action.of_event:
        event = ua.Variant(bytes.fromhex(condition.event), ua.VariantType.ByteString)
        method, made.InputArguments = _OF_EVENT[action.name], [event, comment]
    elif action.name == "shelve" and action.seconds > 0:
        time = ua.Variant(action.seconds * _MILLISECONDS, ua.VariantType.Double)
        method, made.InputArguments = _Ids.ShelvedStateMachineType_TimedShelve2, [time, comment]
    elif action.name == "shelve":
        method, made.InputArguments = _Ids.ShelvedStateMachineType_OneShotShelve2, [comment]
    elif action.name in _SILENT:
        method, made.InputArguments = _SILENT[action.name], []
    else:
        method, made.InputArguments = _OF_CONDITION[action.name], [comment]
    made.MethodId = ua.NodeId(method)
    return made


def refusals(failed: Mapping[str, str], last: Callable[[str], Condition | None]) -> list[dict[str, Any]]:
    """Why conditions (`failed` by key) were refused, how many of them, and `by` whom one was forestalled.

    The most frequent first; `last` gives a condition as it was told last.
    """

    def who(key: str, fault: str) -> str:
        found = last(key) if fault in FORESTALLED else None
        return found.user if found is not None else ""

    counted = Counter((fault, who(key, fault)) for key, fault in failed.items())
    return [{"fault": fault, "by": by, "count": count} for (fault, by), count in counted.most_common()]
