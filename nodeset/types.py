"""The ObjectTypes of `urn:voltkeep:types` (N1), event types too: what each has, of tags, nameplates, methods.

The identifier of a type is its name (`s=JarType`), that of a member its path from there
(`s=JarType.Voltage`, `s=JarType.Voltage.EURange`); neither changes when others are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from nodeset.datatypes import DataType
from nodeset.fleet import AssetType
from nodeset.methods.alarms import ALARMS, CONFIGURATION, NOTIFICATION
from nodeset.methods.analytics import ANALYTICS
from nodeset.methods.maintenance import MAINTENANCE
from nodeset.methods.method import MethodDef
from nodeset.methods.records import AUDIT, HISTORIAN
from nodeset.methods.simulation import SIMULATION
from nodeset.nameplate import NameplateDef, nameplate_of
from nodeset.tags import TagDef, tags_of

TYPES_URI: Final = "urn:voltkeep:types"
FLEET_URI: Final = "urn:voltkeep:fleet"

BASE_OBJECT_TYPE: Final = 58
BASE_EVENT_TYPE: Final = 2041
# Of which types conditions are, the alarm file says: all are subtypes of this one.
ALARM_CONDITION_TYPE: Final = 2915

SIMULATION_TYPE: Final = "SimulationType"
ANALYTICS_TYPE: Final = "AnalyticsType"
MAINTENANCE_TYPE: Final = "MaintenanceType"
AUDIT_TYPE: Final = "AuditType"
HISTORIAN_TYPE: Final = "HistorianType"
ALARM_MANAGEMENT_TYPE: Final = "AlarmManagementType"
INCIDENT_EVENT: Final = "IncidentEventType"
SIMULATION_STARTED: Final = "SimulationStartedEventType"
SIMULATION_STOPPED: Final = "SimulationStoppedEventType"
MODEL_EVENT: Final = "ModelEventType"


class Rule(IntEnum):
    """Modelling rules by their NodeId (Part 3, 6.4.4)."""

    MANDATORY = 78
    OPTIONAL_PLACEHOLDER = 11508


@dataclass(frozen=True)
class PropertyDef:
    """A property that no asset of the fleet file fills in."""

    name: str
    description: str
    data_type: DataType


@dataclass(frozen=True)
class VariableDef:
    """A variable of an object that is no asset: a scalar, or an array of one dimension."""

    name: str
    description: str
    data_type: DataType
    array: bool = False


@dataclass(frozen=True)
class PartDef:
    """An object that is part of another; `<Site>` stands for any number of sites."""

    name: str
    type_name: str
    rule: Rule
    methods: tuple[MethodDef, ...] = ()
    variables: tuple[VariableDef, ...] = ()


@dataclass(frozen=True)
class TypeDef:
    """One ObjectType below the standard's `base`.

    Its instances send events of the types in `raises`: numbers are the standard's, names are ours.
    """

    name: str
    description: str
    base: int = BASE_OBJECT_TYPE
    properties: tuple[PropertyDef | NameplateDef[Any], ...] = ()
    tags: tuple[TagDef, ...] = ()
    methods: tuple[MethodDef, ...] = ()
    parts: tuple[PartDef, ...] = ()
    raises: tuple[int | str, ...] = ()
    variables: tuple[VariableDef, ...] = ()


def type_of(asset: AssetType) -> str:
    """Name, and so identifier, of an asset's ObjectType."""
    return f"{asset.value}Type"


def _asset_type(
    asset: AssetType, description: str, *parts: PartDef, raises: tuple[int | str, ...] = ()
) -> TypeDef:
    return TypeDef(
        type_of(asset),
        description,
        properties=nameplate_of(asset),
        tags=tags_of(asset),
        parts=parts,
        raises=raises,
    )


def _any(asset: AssetType) -> PartDef:
    return PartDef(f"<{asset.value}>", type_of(asset), Rule.OPTIONAL_PLACEHOLDER)


_DEVICE = (
    PropertyDef("Manufacturer", "Maker of the device", DataType.STRING),
    PropertyDef("Model", "Model of the device", DataType.STRING),
    PropertyDef("SerialNumber", "Serial number", DataType.STRING),
    PropertyDef("SoftwareRevision", "Revision of the device's software", DataType.STRING),
    PropertyDef("RatedPower", "Power that it can take or give [kW]", DataType.DOUBLE),
)

# In the order in which the simulations were started.
SIMULATION_STATUS: Final = (
    VariableDef("Simulated", "Whether values and alarms of the fleet are simulated now", DataType.BOOLEAN),
    VariableDef("RunningSimulations", "How many simulations run", DataType.UINT32),
    VariableDef("SimulationIds", "Identifies each simulation", DataType.STRING, array=True),
    VariableDef("Scenarios", "Name of each one's scenario", DataType.STRING, array=True),
    VariableDef("Targets", "Path of each one's target", DataType.STRING, array=True),
    VariableDef("StartTimes", "When each one was started", DataType.DATE_TIME, array=True),
    VariableDef("EndTimes", "When each one ends; null: when it is stopped", DataType.DATE_TIME, array=True),
    VariableDef(
        "Progress", "Share of each one's duration [%]; NaN without a duration", DataType.DOUBLE, array=True
    ),
)

_SIMULATION_EVENT: Final = (
    PropertyDef("SimulationId", "Identifies the simulation", DataType.STRING),
    PropertyDef("Scenario", "Name of its scenario", DataType.STRING),
    PropertyDef("Target", "Path of its target", DataType.STRING),
    PropertyDef("User", "Who started or stopped it; empty: the server", DataType.STRING),
)

ANALYTICS_STATUS: Final = (
    VariableDef("PublishedModel", "Version that speaks for the fleet; empty: none", DataType.STRING),
    VariableDef("ShadowModel", "Version that predicts beside it, untold; empty: none", DataType.STRING),
    VariableDef("PredictionState", "How the learnt model does, in words", DataType.STRING),
    VariableDef("LastPrediction", "When it was asked last; null: not yet", DataType.DATE_TIME),
    VariableDef("Fallback", "Whether the twin speaks alone, though a model is published", DataType.BOOLEAN),
    VariableDef("FallbackReason", "Why; empty: it does not", DataType.STRING),
    VariableDef("Drift", "None, Watch or Drifting; Unknown: not judged yet", DataType.STRING),
    VariableDef("DriftReason", "What that rests on", DataType.STRING),
    VariableDef("DriftJudged", "When it was judged last; null: not yet", DataType.DATE_TIME),
    VariableDef(
        "DriftFeatures", "Name of each feature, the one that differs most first", DataType.STRING, True
    ),
    VariableDef("DriftPsi", "Population stability index of each; NaN: unknown", DataType.DOUBLE, array=True),
    VariableDef("DriftKs", "Kolmogorov-Smirnov distance of each; NaN: unknown", DataType.DOUBLE, array=True),
    VariableDef("MaturedPredictions", "Jars whose prediction of a week ago was looked up", DataType.UINT32),
    VariableDef("MaturedError", "Their mean error [%]; NaN: unknown", DataType.DOUBLE),
    VariableDef("TrainingJob", "Identifies the last training; empty: there was none", DataType.STRING),
    VariableDef("TrainingState", "Idle, Running, Done, Failed or Cancelled", DataType.STRING),
    VariableDef("TrainingProgress", "How much of it is done [%]", DataType.DOUBLE),
    VariableDef("TrainingMessage", "What it does now, or how it ended", DataType.STRING),
    VariableDef("TrainedModel", "Version of the model it made; empty: none", DataType.STRING),
)

_MODEL_EVENT: Final = (
    PropertyDef(
        "Action",
        "Published, RolledBack, Shadow, Retired, TrainingStarted, TrainingDone, TrainingFailed, FallenBack "
        "or Restored",
        DataType.STRING,
    ),
    PropertyDef("ModelVersion", "Version of the model", DataType.STRING),
    PropertyDef("PreviousVersion", "Version in whose place it is; empty: none", DataType.STRING),
    PropertyDef("User", "Who did it; empty: the server", DataType.STRING),
    PropertyDef("Comment", "Why", DataType.STRING),
)

# Of the whole fleet; the method Performance gives the figures of a site.
ALARM_FIGURES: Final = (
    VariableDef("Figures", "Name of each figure of the alarm system", DataType.STRING, array=True),
    VariableDef("Values", "Each figure now; NaN: not enough is known yet", DataType.DOUBLE, array=True),
    VariableDef(
        "Targets", "Up to where EEMUA 191 and ISA-18.2 call each acceptable", DataType.DOUBLE, array=True
    ),
    VariableDef(
        "Maxima", "Up to where they call each manageable; NaN: no such limit", DataType.DOUBLE, array=True
    ),
    VariableDef("Priorities", "Name of each priority, the lowest first", DataType.STRING, array=True),
    VariableDef("PrioritySeverities", "Lowest severity of each priority", DataType.UINT32, array=True),
    VariableDef(
        "PriorityShares", "Share of each in the alarms of the last 7 days [%]", DataType.DOUBLE, array=True
    ),
    VariableDef("PriorityTargets", "The share that each should have [%]", DataType.DOUBLE, array=True),
    VariableDef("AlarmsPerDay", "Alarms that were raised in the last 24 h", DataType.UINT32),
    VariableDef("PeakAlarmRate", "Most alarms in any 10 min of the last 24 h", DataType.UINT32),
    VariableDef("FloodShare", "Share of the last 24 h that was flood [%]", DataType.DOUBLE),
)

_INCIDENT: Final = (
    PropertyDef("IncidentId", "Identifies the incident", DataType.STRING),
    PropertyDef("Cause", "Name of its cause; AlarmFlood: none known", DataType.STRING),
    PropertyDef("State", "Open or Closed", DataType.STRING),
    PropertyDef("FirstOut", "Condition that became active first", DataType.STRING),
    PropertyDef("Opened", "When its first condition became active", DataType.DATE_TIME),
    PropertyDef("Closed", "When all was normal again; null: not yet", DataType.DATE_TIME),
    PropertyDef("Members", "How many conditions belong to it", DataType.UINT32),
    PropertyDef("Active", "How many of them are active", DataType.UINT32),
    PropertyDef("Peak", "How many were active at once", DataType.UINT32),
    PropertyDef("Suppressed", "How many were never shown as alarms", DataType.UINT32),
    PropertyDef("Unacknowledged", "How many wait for operators", DataType.UINT32),
    PropertyDef("Simulated", "Whether it is a simulation's", DataType.BOOLEAN),
)

TYPES: Final = (
    _asset_type(AssetType.JAR, "A battery block of a string", raises=(ALARM_CONDITION_TYPE,)),
    _asset_type(AssetType.STRING, "Jars in series", _any(AssetType.JAR), raises=(ALARM_CONDITION_TYPE,)),
    _asset_type(
        AssetType.SYSTEM,
        "A UPS or rectifier with its strings",
        _any(AssetType.STRING),
        raises=(ALARM_CONDITION_TYPE,),
    ),
    _asset_type(
        AssetType.SITE,
        "A data centre",
        _any(AssetType.SYSTEM),
        raises=(ALARM_CONDITION_TYPE, INCIDENT_EVENT),
    ),
    TypeDef(
        SIMULATION_TYPE,
        "Scenarios of the plant simulator",
        methods=SIMULATION,
        variables=SIMULATION_STATUS,
        raises=(SIMULATION_STARTED, SIMULATION_STOPPED),
    ),
    TypeDef(
        SIMULATION_STARTED,
        "A simulation was started: values and alarms of its target are simulated from now on",
        base=BASE_EVENT_TYPE,
        properties=_SIMULATION_EVENT,
    ),
    TypeDef(
        SIMULATION_STOPPED,
        "A simulation was stopped or has ended: its target is shown as the plant has it",
        base=BASE_EVENT_TYPE,
        properties=_SIMULATION_EVENT,
    ),
    TypeDef(
        ANALYTICS_TYPE,
        "Predictions of remaining useful life, and the models that make them",
        methods=ANALYTICS,
        variables=ANALYTICS_STATUS,
        raises=(MODEL_EVENT,),
    ),
    TypeDef(
        MODEL_EVENT,
        "Another model speaks for the fleet, or one was trained, set aside or mistrusted",
        base=BASE_EVENT_TYPE,
        properties=_MODEL_EVENT,
    ),
    TypeDef(MAINTENANCE_TYPE, "What was done to the plant, and what is to be done", methods=MAINTENANCE),
    TypeDef(AUDIT_TYPE, "Who did what, when and from where", methods=AUDIT),
    TypeDef(HISTORIAN_TYPE, "The past of the fleet, as files", methods=HISTORIAN),
    TypeDef(
        ALARM_MANAGEMENT_TYPE,
        "How the alarm system does, its incidents and its nuisances (ISA-18.2, EEMUA 191)",
        methods=ALARMS + CONFIGURATION + NOTIFICATION,
        variables=ALARM_FIGURES,
    ),
    TypeDef(
        INCIDENT_EVENT,
        "An incident was opened, has changed or was closed: alarms of one cause at one site",
        base=BASE_EVENT_TYPE,
        properties=_INCIDENT,
    ),
    TypeDef("DispatchableDeviceType", "A battery that may be charged and discharged", properties=_DEVICE),
    _asset_type(
        AssetType.FLEET,
        "All batteries of an operator",
        PartDef("Simulation", SIMULATION_TYPE, Rule.MANDATORY, SIMULATION, SIMULATION_STATUS),
        PartDef(
            "Alarms",
            ALARM_MANAGEMENT_TYPE,
            Rule.MANDATORY,
            ALARMS + CONFIGURATION + NOTIFICATION,
            ALARM_FIGURES,
        ),
        PartDef("Analytics", ANALYTICS_TYPE, Rule.MANDATORY, ANALYTICS, ANALYTICS_STATUS),
        PartDef("Maintenance", MAINTENANCE_TYPE, Rule.MANDATORY, MAINTENANCE),
        PartDef("Audit", AUDIT_TYPE, Rule.MANDATORY, AUDIT),
        PartDef("Historian", HISTORIAN_TYPE, Rule.MANDATORY, HISTORIAN),
        _any(AssetType.SITE),
        raises=(ALARM_CONDITION_TYPE, INCIDENT_EVENT),
    ),
)
