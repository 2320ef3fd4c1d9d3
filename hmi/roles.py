"""Which of our roles a session has, as the server tells it: by the well-known roles of Part 18, 4.2.

UserRolePermissions of a node names the roles that the session has been granted (Part 3, 5.2.10), so it tells
any client its own roles; the identities of the RoleSet are for administrators.
"""

from __future__ import annotations

from typing import Final

from asyncua import Client, ua

# The least first; each includes those before it.
ROLES: Final = {
    "Viewer": (ua.ObjectIds.WellKnownRole_Observer,),
    "Operator": (ua.ObjectIds.WellKnownRole_Operator,),
    "Engineer": (ua.ObjectIds.WellKnownRole_Engineer, ua.ObjectIds.WellKnownRole_Supervisor),
    "Admin": (ua.ObjectIds.WellKnownRole_SecurityAdmin, ua.ObjectIds.WellKnownRole_ConfigureAdmin),
}
UNKNOWN: Final = ""  # no role, or a server that does not tell


async def role_of(client: Client) -> str:
    """The highest of `ROLES` that this session has, else `UNKNOWN`."""
    nodes = [ua.NodeId(ua.ObjectIds.Server)]
    (data,) = await client.uaclient.read_attributes(nodes, ua.AttributeIds.UserRolePermissions)
    entries = data.Value.Value if data.StatusCode.is_good() and data.Value is not None else None
    return highest({entry.RoleId for entry in entries or ()})


def highest(granted: set[ua.NodeId]) -> str:
    """The highest of `ROLES` among well-known roles."""
    found = UNKNOWN
    for role, identifiers in ROLES.items():
        if any(ua.NodeId(identifier) in granted for identifier in identifiers):
            found = role
    return found
