"""Alarm management as the server tells of it (`Objects/Fleet/Alarms`): incidents, what is held back, figures.

Each is asked for by a method in the shared session; times in ms since 1970, 0 for never.
"""

from __future__ import annotations

import math
from typing import Any, Final

from asyncua import Client, ua

from hmi.methods import calling, outputs
from hmi.simulations import is_set
from hmi.subscription import microseconds
from hmi.topology import FLEET, Topology

OWNER: Final = "Alarms"
_STRING, _BOOLEAN = ua.VariantType.String, ua.VariantType.Boolean
_HELD: Final = ("condition", "reason", "since", "until", "active", "severity", "user", "comment")
_INCIDENT: Final = (
    "id",
    "site",
    "cause",
    "first",
    "opened",
    "closed",
    "members",
    "active",
    "peak",
    "suppressed",
    "unacknowledged",
    "severity",
    "state",
    "simulated",
)
_MEMBER: Final = (
    "condition",
    "first",
    "last",
    "activations",
    "severity",
    "active",
    "acknowledged",
    "suppressed",
)
_PRIORITY: Final = ("name", "severity", "share", "target")
Rows = list[dict[str, Any]]


async def held(client: Client, topology: Topology) -> Rows:
    """Conditions that operators are not shown, once for each reason."""
    return rows(_HELD, await outputs(client, topology, OWNER, "ListSuppressed"))


async def incidents(client: Client, topology: Topology, only_open: bool) -> Rows:
    """Incidents, the latest first."""
    wanted = ua.Variant(only_open, _BOOLEAN)
    return rows(_INCIDENT, await outputs(client, topology, OWNER, "ListIncidents", wanted))


async def members(client: Client, topology: Topology, incident: str) -> Rows:
    """Conditions of an incident, in the order in which they became active."""
    wanted = ua.Variant(incident, _STRING)
    return rows(_MEMBER, await outputs(client, topology, OWNER, "IncidentMembers", wanted))


async def performance(client: Client, topology: Topology, site: str) -> dict[str, Rows]:
    """How the alarm system of a site, or of the fleet, does; and its nuisances."""
    asset = ua.Variant(site or FLEET, _STRING)
    found = {
        "figures": (
            ("name", "value", "target", "maximum"),
            await outputs(client, topology, OWNER, "Performance", asset),
        ),
        "standing": (
            ("condition", "since", "severity"),
            await outputs(client, topology, OWNER, "ListStanding"),
        ),
        "chattering": (
            ("condition", "since", "count"),
            await outputs(client, topology, OWNER, "ListChattering"),
        ),
        "worst": (("condition", "count", "share"), await outputs(client, topology, OWNER, "BadActors")),
    }
    told = {name: rows(columns, values) for name, (columns, values) in found.items()}
    here = {name: [row for row in each if _under(row, site)] for name, each in told.items()}
    return here | {"priorities": await priorities(client, topology)}


async def priorities(client: Client, topology: Topology) -> Rows:
    """The priorities, the lowest first: where each begins, its share of alarms and what that should be."""
    names = ("Priorities", "PrioritySeverities", "PriorityShares", "PriorityTargets")
    nodes = [topology.node(f"{OWNER}.{name}") for name in names]
    found = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    for each in found:
        each.StatusCode.check()
    return rows(_PRIORITY, [each.Value.Value for each in found])


def acknowledgement(topology: Topology, incident: str, comment: str) -> ua.CallMethodRequest:
    """The call that acknowledges all of an incident."""
    return calling(
        topology, OWNER, "AcknowledgeIncident", ua.Variant(incident, _STRING), ua.Variant(comment, _STRING)
    )


def rows(names: tuple[str, ...], columns: list[Any]) -> Rows:
    """Columns of a method's outputs as rows that JSON can hold."""
    plain = [[_plain(value) for value in column or ()] for column in columns]
    return [dict(zip(names, row, strict=False)) for row in zip(*plain, strict=False)]


def _under(row: dict[str, Any], site: str) -> bool:
    condition = row.get("condition", "")
    return not site or not condition or condition.startswith((f"{site}/", f"{site}#"))


def _plain(value: Any) -> Any:
    if hasattr(value, "year"):
        return microseconds(value) // 1000 if is_set(value) else 0
    return None if isinstance(value, float) and math.isnan(value) else value
