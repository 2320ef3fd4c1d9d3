"""What a user may do, as the server says: UserExecutable of the methods behind each action (Part 3, 5.7).

Pages leave out what the server would refuse; whether it does is still the server's alone.
"""

from __future__ import annotations

from typing import Final

from asyncua import Client, ua

from hmi.topology import Topology

_Ids = ua.ObjectIds
_OF_TYPES: Final = {
    "acknowledge": _Ids.AcknowledgeableConditionType_Acknowledge,
    "confirm": _Ids.AcknowledgeableConditionType_Confirm,
    "comment": _Ids.ConditionType_AddComment,
    "shelve": _Ids.ShelvedStateMachineType_TimedShelve,
    "unshelve": _Ids.ShelvedStateMachineType_Unshelve,
    "suppress": _Ids.AlarmConditionType_Suppress,
    "unsuppress": _Ids.AlarmConditionType_Unsuppress,
    "remove": _Ids.AlarmConditionType_RemoveFromService,
    "place": _Ids.AlarmConditionType_PlaceInService,
    "disable": _Ids.ConditionType_Disable,
    "enable": _Ids.ConditionType_Enable,
    "users": _Ids.UserManagement_AddUser,
}
_OF_FLEET: Final = {
    "audit": "Audit.Read",
    "simulate": "Simulation.Start",
    "configure": "Alarms.Configure",
    "models": "Analytics.PublishModel",
    "record": "Maintenance.RecordMaintenance",
    "test": "Maintenance.RecordCapacityTest",
    "deliver": "Historian.DeliverReport",
}


async def rights(client: Client, topology: Topology) -> list[str]:
    """Names of the actions that the user of this session may do."""
    nodes = {name: ua.NodeId(number) for name, number in _OF_TYPES.items()}
    nodes |= {name: topology.node(identifier) for name, identifier in _OF_FLEET.items()}
    values = await client.uaclient.read_attributes(list(nodes.values()), ua.AttributeIds.UserExecutable)
    return [name for name, data in zip(nodes, values, strict=True) if data.Value and data.Value.Value]
