"""Nodes of the standard for conditions: ObjectTypes, classes, states of state machines (Part 9, 5.8)."""

from __future__ import annotations

from typing import Final

from asyncua import ua

from server.alarms.definition import AlarmType, ConditionClass, Level
from server.alarms.state import Shelving

Ids = ua.ObjectIds

# The ObjectType of a condition, and so of its events.
TYPE_OF: Final = {
    AlarmType.LEVEL: ua.NodeId(Ids.ExclusiveLevelAlarmType),
    AlarmType.DEVIATION: ua.NodeId(Ids.ExclusiveDeviationAlarmType),
    AlarmType.RATE_OF_CHANGE: ua.NodeId(Ids.ExclusiveRateOfChangeAlarmType),
    AlarmType.OFF_NORMAL: ua.NodeId(Ids.OffNormalAlarmType),
    AlarmType.SYSTEM: ua.NodeId(Ids.SystemOffNormalAlarmType),
    AlarmType.INSTRUMENT: ua.NodeId(Ids.InstrumentDiagnosticAlarmType),
    AlarmType.DISCREPANCY: ua.NodeId(Ids.DiscrepancyAlarmType),
}
# Those that show clients their limits, and which of them is exceeded (ExclusiveLimitAlarmType).
LIMIT_TYPES: Final = frozenset({AlarmType.LEVEL, AlarmType.DEVIATION, AlarmType.RATE_OF_CHANGE})
# Those that say which value is the normal one.
OFF_NORMAL_TYPES: Final = frozenset({AlarmType.OFF_NORMAL, AlarmType.SYSTEM, AlarmType.INSTRUMENT})

CLASS_OF: Final = {
    ConditionClass.PROCESS: ua.NodeId(Ids.ProcessConditionClassType),
    ConditionClass.MAINTENANCE: ua.NodeId(Ids.MaintenanceConditionClassType),
    ConditionClass.SAFETY: ua.NodeId(Ids.SafetyConditionClassType),
    ConditionClass.SYSTEM: ua.NodeId(Ids.SystemConditionClassType),
}
# Without an entry for NONE: an inactive condition has no current limit state.
LIMIT_STATE_OF: Final = {
    Level.HIGH_HIGH: ua.NodeId(Ids.ExclusiveLimitStateMachineType_HighHigh),
    Level.HIGH: ua.NodeId(Ids.ExclusiveLimitStateMachineType_High),
    Level.LOW: ua.NodeId(Ids.ExclusiveLimitStateMachineType_Low),
    Level.LOW_LOW: ua.NodeId(Ids.ExclusiveLimitStateMachineType_LowLow),
}
SHELVING_STATE_OF: Final = {
    Shelving.UNSHELVED: ua.NodeId(Ids.ShelvedStateMachineType_Unshelved),
    Shelving.ONE_SHOT: ua.NodeId(Ids.ShelvedStateMachineType_OneShotShelved),
    Shelving.TIMED: ua.NodeId(Ids.ShelvedStateMachineType_TimedShelved),
}
SHELVING_NAME_OF: Final = {
    Shelving.UNSHELVED: "Unshelved",
    Shelving.ONE_SHOT: "OneShotShelved",
    Shelving.TIMED: "TimedShelved",
}
