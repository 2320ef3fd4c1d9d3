"""Every live tag of the fleet, declared once: name, unit, range, kind, origin and storage resolution.

The NodeSet, the address space, the columns of a frame, of the historian and of the HMI derive from
`TAGS`. Names follow IEEE 1491 and IEC 61850-7-420 where those have a term.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final

from nodeset.fleet import AssetType
from nodeset.units import (
    AMPERE,
    CELSIUS,
    DAY,
    KELVIN,
    KILOWATT,
    MILLIOHM,
    MILLISECOND,
    MINUTE,
    PERCENT,
    SECOND,
    VOLT,
    Unit,
)


class Kind(StrEnum):
    """What a tag's number stands for, and so how it looks on the wire."""

    ANALOG = "analog"  # Double, AnalogUnitRangeType
    COUNT = "count"  # Double without a unit
    STATE = "state"  # UInt32, MultiStateDiscreteType
    QUARTER = "quarter"  # String such as 2027-Q1; the number is year * 4 + quarter - 1
    JAR = "jar"  # String, a jar's path; the number is the jar's index


TEXTS: Final = frozenset({Kind.QUARTER, Kind.JAR})  # whose numbers stand for texts


class Origin(StrEnum):
    """Where a tag's value comes from."""

    MEASURED = "measured"  # a source reads it
    CALCULATED = "calculated"  # Voltkeep works it out each scan
    DRIVER = "driver"  # the driver tells it of itself
    SERVER = "server"  # Voltkeep tells it of itself


class Mode(IntEnum):
    """Operating mode of a system."""

    FLOAT = 0
    DISCHARGE = 1
    RECHARGE = 2
    EQUALISE = 3
    OFFLINE = 4


class Health(IntEnum):
    """Health of a jar."""

    HEALTHY = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class Confidence(IntEnum):
    """How far a RUL can be trusted."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


class Review(IntEnum):
    """Whether a person has to look at a RUL."""

    NOT_NEEDED = 0
    REQUIRED = 1  # twin and learnt model are in conflict


class Hvac(IntEnum):
    """State of a site's air conditioning."""

    OFF = 0
    ON = 1
    FAULT = 2


class Mains(IntEnum):
    """State of a site's mains supply."""

    LOST = 0
    PRESENT = 1


class SensorState(IntEnum):
    """Whether the sensors of a jar can be believed, the worst of its measurements."""

    NORMAL = 0
    SUSPECT = 1  # a jump that physics forbids, or back from a failure and not yet believed
    STUCK = 2
    FAILED = 3
    NO_COMMUNICATION = 4


class GatewayState(IntEnum):
    """How a site's gateway answers."""

    OFFLINE = 0  # not at all
    DEGRADED = 1  # in part, or too slowly for the scan
    ONLINE = 2


class HistorianState(IntEnum):
    """What becomes of the scans that the historian is offered."""

    WRITING = 0  # they are in the database at once
    BEHIND = 1  # they wait in memory or on disk
    LOSING = 2  # neither database nor disk takes them: some were dropped in the last minute


class AlarmFlood(IntEnum):
    """Whether more alarms come than an operator can follow (ISA-18.2, 3.1: alarm flood)."""

    NORMAL = 0
    FLOOD = 1


class ModelDrift(IntEnum):
    """Whether the learnt model still meets what it was trained on."""

    NONE = 0
    WATCH = 1  # it begins to differ
    DRIFTING = 2  # it differs too much: the twin speaks alone


def _names(states: type[IntEnum]) -> tuple[str, ...]:
    return tuple(state.name.capitalize().replace("_", " ") for state in states)


@dataclass(frozen=True)
class TagDef:
    """One tag of an asset type. `low` and `high` are its EURange; `scale` is stored steps a unit.

    A `writable` tag is a set-point: a source reads it and writes it, within its EURange.
    """

    asset: AssetType
    name: str
    description: str
    kind: Kind
    origin: Origin
    unit: Unit | None = None
    low: float = 0.0
    high: float = 0.0
    scale: int = 1
    states: tuple[str, ...] = ()
    writable: bool = False

    @property
    def key(self) -> tuple[AssetType, str]:
        """What the tag is found by."""
        return self.asset, self.name

    @property
    def stepped(self) -> bool:
        """Whether a value holds until the next (Part 11, 5.2.2): a state, a name, a count, a set-point."""
        return self.kind is not Kind.ANALOG or self.writable


def _analog(
    asset: AssetType,
    origin: Origin,
    name: str,
    unit: Unit,
    low: float,
    high: float,
    scale: int,
    description: str,
) -> TagDef:
    return TagDef(asset, name, description, Kind.ANALOG, origin, unit, low, high, scale)


def _set_point(
    asset: AssetType, name: str, unit: Unit, low: float, high: float, scale: int, description: str
) -> TagDef:
    return replace(_analog(asset, Origin.MEASURED, name, unit, low, high, scale, description), writable=True)


def _state(asset: AssetType, origin: Origin, name: str, states: type[IntEnum], description: str) -> TagDef:
    return TagDef(asset, name, description, Kind.STATE, origin, high=len(states) - 1, states=_names(states))


def _count(asset: AssetType, name: str, description: str) -> TagDef:
    return TagDef(asset, name, description, Kind.COUNT, Origin.CALCULATED, high=50_000)


_FLEET, _SITE, _SYSTEM, _STRING, _JAR = AssetType
_M, _C, _D, _S = Origin.MEASURED, Origin.CALCULATED, Origin.DRIVER, Origin.SERVER
_RUL_MAX = 9_131.0  # 25 years
_ERRORS_MAX = 2_000_000_000
_YEAR = 31_536_000.0  # s

SOH_BINS: Final = ((0, 70), (70, 75), (75, 80), (80, 85), (85, 90), (90, 95), (95, 101))
RUL_BINS: Final = ((0, 90), (90, 180), (180, 365), (365, 730), (730, 1095), (1095, 1825), (1825, 9_132))


def bin_name(tag: str, low: float, high: float) -> str:
    """Name of the tag that counts jars whose `tag` lies in [low, high)."""
    return f"{tag}From{low:04.0f}To{high:04.0f}"


TAGS: Final[tuple[TagDef, ...]] = (
    _analog(_JAR, _M, "Voltage", VOLT, 0, 20, 1000, "Terminal voltage of the jar"),
    _analog(_JAR, _M, "Temperature", CELSIUS, -20, 100, 100, "Temperature at the negative post"),
    _analog(_JAR, _M, "InternalResistance", MILLIOHM, 0, 100, 1000, "Internal ohmic resistance"),
    _analog(_JAR, _C, "Current", AMPERE, -500, 500, 100, "Current of the string; discharge is positive"),
    _analog(_JAR, _C, "StateOfCharge", PERCENT, 0, 100, 100, "State of charge by the twin"),
    _analog(_JAR, _C, "StateOfHealth", PERCENT, 0, 120, 100, "Capacity against rated capacity"),
    _analog(_JAR, _C, "RemainingUsefulLife", DAY, 0, _RUL_MAX, 10, "Days to end of life"),
    _analog(_JAR, _C, "RemainingUsefulLifeLower", DAY, 0, _RUL_MAX, 10, "Lower bound of the 90 % interval"),
    _analog(_JAR, _C, "RemainingUsefulLifeUpper", DAY, 0, _RUL_MAX, 10, "Upper bound of the 90 % interval"),
    _state(_JAR, _C, "RulConfidence", Confidence, "Confidence of the remaining useful life"),
    _analog(_JAR, _C, "RulMlDays", DAY, 0, _RUL_MAX, 10, "Remaining useful life by the learnt model"),
    _analog(_JAR, _C, "RulTwinDays", DAY, 0, _RUL_MAX, 10, "Remaining useful life by the twin"),
    TagDef(_JAR, "ReplacementQuarter", "Quarter in which to replace the jar", Kind.QUARTER, _C),
    _state(_JAR, _C, "HealthStatus", Health, "Health by capacity and remaining useful life"),
    _analog(_JAR, _C, "TwinVoltageResidual", VOLT, -5, 5, 1000, "Measured less predicted voltage"),
    _state(_JAR, _C, "SensorState", SensorState, "Whether the jar's sensors can be believed"),
    _analog(
        _JAR,
        _C,
        "TemperatureExcess",
        KELVIN,
        -100,
        100,
        100,
        "Temperature above what string and room explain",
    ),
    _state(_JAR, _C, "RulReview", Review, "Whether twin and learnt model disagree on the life left"),
    _analog(_STRING, _C, "Voltage", VOLT, 0, 1000, 100, "Sum of the jars' voltages"),
    _analog(_STRING, _M, "Current", AMPERE, -500, 500, 100, "Current; discharge is positive"),
    _analog(_STRING, _C, "JarVoltageMin", VOLT, 0, 20, 1000, "Lowest jar voltage"),
    _analog(_STRING, _C, "JarVoltageMax", VOLT, 0, 20, 1000, "Highest jar voltage"),
    _analog(_STRING, _C, "JarVoltageSpread", VOLT, 0, 20, 1000, "Highest less lowest jar voltage"),
    TagDef(_STRING, "WeakestJar", "Jar of lowest voltage against its string", Kind.JAR, _C),
    _analog(_SYSTEM, _M, "BusVoltage", VOLT, 0, 1000, 100, "Voltage of the DC bus"),
    _analog(_SYSTEM, _M, "Load", KILOWATT, 0, 10_000, 100, "Power of the load"),
    _state(_SYSTEM, _M, "OperatingMode", Mode, "What the batteries do"),
    # A cell, as rectifiers are set: so the range holds for jars of any voltage (IEEE 1188: 2.25 to 2.30 V).
    _set_point(_SYSTEM, "FloatVoltageSetpoint", VOLT, 2.2, 2.35, 1000, "Float voltage of a cell at 25 °C"),
    _set_point(
        _SYSTEM, "ChargeCurrentLimit", PERCENT, 1, 25, 10, "Charge current limit [A], of the capacity [Ah]"
    ),
    _analog(
        _SYSTEM,
        _C,
        "RuntimeRemaining",
        MINUTE,
        0,
        10_000,
        10,
        "Runtime at the present load, by the weakest jar",
    ),
    _analog(_SITE, _M, "AmbientTemperature", CELSIUS, -20, 100, 100, "Temperature of the battery room"),
    _analog(_SITE, _M, "Humidity", PERCENT, 0, 100, 10, "Relative humidity of the battery room"),
    _state(_SITE, _M, "HvacState", Hvac, "Air conditioning"),
    _state(_SITE, _M, "MainsState", Mains, "Mains supply"),
    _state(_SITE, _D, "GatewayState", GatewayState, "How the site's gateway answers"),
    _analog(
        _SITE,
        _D,
        "GatewayRoundTrip",
        MILLISECOND,
        0,
        60_000,
        10,
        "Mean time to an answer in the last scan",
    ),
    TagDef(_SITE, "GatewayErrors", "Requests that failed since the start", Kind.COUNT, _D, high=_ERRORS_MAX),
    _analog(_SITE, _D, "GatewayLastScanAge", SECOND, 0, 86_400, 10, "Time since all was answered last"),
    *(
        tag
        for asset in (_SITE, _FLEET)
        for tag in (
            _count(asset, "Jars", "Jars"),
            _count(asset, "HealthyJars", "Jars that are healthy"),
            _count(asset, "WarningJars", "Jars with a warning"),
            _count(asset, "CriticalJars", "Jars in critical health"),
            _count(asset, "UnknownJars", "Jars of unknown health"),
            # What operators are shown (ISA-18.2): those suppressed, shelved or out of service count apart.
            _count(asset, "ActiveAlarms", "Conditions that are active, and not hidden from operators"),
            _count(asset, "UnacknowledgedAlarms", "The same that wait for acknowledgement"),
            _count(asset, "LowAlarms", "Active alarms of low priority"),
            _count(asset, "MediumAlarms", "Active alarms of medium priority"),
            _count(asset, "HighAlarms", "Active alarms of high priority"),
            _count(asset, "CriticalAlarms", "Active alarms of critical priority"),
            _count(asset, "SuppressedAlarms", "Conditions that are active, and suppressed"),
            _count(asset, "ShelvedAlarms", "Conditions that are shelved, active or not"),
            _count(asset, "OutOfServiceAlarms", "Conditions that are out of service, active or not"),
            _count(asset, "StandingAlarms", "Alarms that have been active for more than a day"),
            _count(asset, "ChatteringAlarms", "Alarms that come and go too often to be of use"),
            _count(asset, "AlarmRate", "Alarms that were raised in the last 10 min"),
            _count(asset, "OpenIncidents", "Incidents that are open"),
            _state(asset, _C, "AlarmFlood", AlarmFlood, "Whether more alarms come than can be followed"),
            _analog(asset, _C, "FreshDataShare", PERCENT, 0, 100, 10, "Jars whose readings are fresh"),
            _analog(asset, _C, "MeanStateOfHealth", PERCENT, 0, 120, 100, "Mean state of health"),
            _analog(asset, _C, "MeanRemainingUsefulLife", DAY, 0, _RUL_MAX, 10, "Mean remaining useful life"),
        )
    ),
    *(
        _count(
            _FLEET, bin_name("StateOfHealth", low, high), f"Jars of {low} to under {high} % state of health"
        )
        for low, high in SOH_BINS
    ),
    *(
        _count(
            _FLEET,
            bin_name("RemainingUsefulLife", low, high),
            f"Jars of {low} to under {high} d of life left",
        )
        for low, high in RUL_BINS
    ),
    _analog(_FLEET, _C, "ModelError", PERCENT, 0, 1000, 10, "Mean error of the learnt model of life left"),
    _state(_FLEET, _C, "ModelDrift", ModelDrift, "Whether the fleet is unlike what the model was trained on"),
    _analog(
        _FLEET,
        _C,
        "RemainingUsefulLifeDrop",
        DAY,
        0,
        _RUL_MAX,
        10,
        "Largest fall of a jar's remaining useful life from one scan to the next within a day",
    ),
    TagDef(_FLEET, "RemainingUsefulLifeDropJar", "The jar whose remaining useful life fell so", Kind.JAR, _C),
    _state(_FLEET, _S, "HistorianState", HistorianState, "What becomes of the scans that are to be stored"),
    _analog(_FLEET, _S, "HistorianLag", SECOND, 0, _YEAR, 10, "How far what is stored is behind the scan"),
    TagDef(_FLEET, "HistorianWaiting", "Scans that wait to be stored", Kind.COUNT, _S, high=_ERRORS_MAX),
    TagDef(
        _FLEET, "HistorianDropped", "Scans that were lost since the start", Kind.COUNT, _S, high=_ERRORS_MAX
    ),
    _analog(
        _FLEET,
        _S,
        "HistorianSpillUsed",
        PERCENT,
        0,
        100,
        10,
        "Share of the disk space that waiting scans may take",
    ),
)

TAG_OF: Final = {tag.key: tag for tag in TAGS}
STATES_OF: Final = {(tag.asset.value, tag.name): tag.states for tag in TAGS}


def tags_of(asset: AssetType) -> tuple[TagDef, ...]:
    """The tags of an asset type, in the order of declaration."""
    return tuple(tag for tag in TAGS if tag.asset is asset)


def quarter_text(number: float) -> str:
    """`2027-Q1` for 2027 * 4 + 0."""
    year, quarter = divmod(int(number), 4)
    return f"{year}-Q{quarter + 1}"
