"""The kinds of scenario that an operator can start: where each applies, and which numbers shape it.

A table for scenarios.py, which checks requests against it, and effects.py, which makes the disturbances
felt. Custom scenarios (compositions.py) are kinds like these whose `steps` name others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from nodeset.fleet import AssetType


@dataclass(frozen=True)
class Parameter:
    """A number that shapes a scenario, with its range; `whole` ones choose between kinds."""

    name: str
    unit: str
    default: float
    low: float
    high: float
    description: str
    whole: bool = False


@dataclass(frozen=True)
class StepDef:
    """One step of a custom scenario: a kind, where below the target it applies (empty: the target itself; `*`
    stands for every part of that level), when it begins and how long it lasts [s, 0 = to the end], and the
    parameters that differ from their defaults."""

    kind: str
    target: str = ""
    begin: float = 0.0
    duration: float = 0.0
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ScenarioKind:
    """A kind of scenario: where it applies and what shapes it; `steps` only of a custom one."""

    name: str
    description: str
    targets: tuple[AssetType, ...]
    parameters: tuple[Parameter, ...] = ()
    steps: tuple[StepDef, ...] = ()


_SITE, _SYSTEM, _STRING, _JAR = AssetType.SITE, AssetType.SYSTEM, AssetType.STRING, AssetType.JAR
_ANY = (_SITE, _SYSTEM, _STRING, _JAR)
_RAMP_MAX = 525_600.0  # min, a year


def _ramp(description: str, default: float = 0.0) -> Parameter:
    return Parameter("Ramp", "min", default, 0.0, _RAMP_MAX, description)


KINDS: Final[Mapping[str, ScenarioKind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            ScenarioKind(
                "NormalOperation",
                "Nothing is disturbed; the target's readings are those of the copy and marked as simulated",
                _ANY,
                (_ramp("Accepted as everywhere; there is nothing to ramp"),),
            ),
            ScenarioKind(
                "HvacFailure",
                "Air conditioning fails: the surroundings warm steadily, jars follow 15 min behind",
                _ANY,
                (
                    Parameter("Rate", "K/h", 2.0, 0.5, 60.0, "How fast the surroundings warm"),
                    Parameter("Ceiling", "°C", 38.0, 28.0, 45.0, "Where they stop"),
                    Parameter("StartTemperature", "°C", 0.0, 0.0, 40.0, "Where they begin; 0: as they are"),
                    _ramp("Time until the rate is reached"),
                ),
            ),
            ScenarioKind(
                "PowerOutage",
                "Mains lost: batteries carry the load until the depth is reached, then recharge and float",
                (_SITE, _SYSTEM, _STRING),
                (
                    Parameter(
                        "DepthVoltage",
                        "V",
                        11.0,
                        10.5,
                        12.0,
                        "Mean voltage of a 12 V jar at which a string's supply returns",
                    ),
                    Parameter("LoadFactor", "", 1.0, 0.1, 3.0, "Load against the present one"),
                    _ramp("Time until the load factor is reached"),
                ),
            ),
            ScenarioKind(
                "TemperatureSpike",
                "Jars, and the room of a site, are warmer at once",
                _ANY,
                (
                    Parameter("Rise", "K", 10.0, 1.0, 40.0, "How much warmer"),
                    _ramp("Time until the rise is reached; 0: at once"),
                ),
            ),
            ScenarioKind(
                "ThermalRunaway",
                "One jar heats itself up",
                (_JAR,),
                (
                    Parameter("Peak", "°C", 60.0, 45.0, 90.0, "Where it stops"),
                    Parameter("Rate", "K/min", 2.0, 0.1, 60.0, "How fast it warms"),
                    _ramp("Time until the rate is reached"),
                ),
            ),
            ScenarioKind(
                "AcceleratedAgeing",
                "Jars wear out: ohmic resistance rises, capacity falls",
                _ANY,
                (
                    Parameter("ResistanceRise", "%", 60.0, 0.0, 400.0, "Rise of the ohmic resistance"),
                    Parameter("CapacityLoss", "%", 25.0, 0.0, 90.0, "Loss of capacity"),
                    _ramp("Time to reach both", 10.0),
                ),
            ),
            ScenarioKind(
                "SensorFault",
                "A measurement of the jars is stuck, biased or dead; the jars themselves are well",
                _ANY,
                (
                    Parameter("Fault", "", 0.0, 0.0, 2.0, "0 stuck, 1 biased, 2 dead", whole=True),
                    Parameter(
                        "Quantity", "", 0.0, 0.0, 2.0, "0 voltage, 1 temperature, 2 resistance", whole=True
                    ),
                    Parameter("Bias", "V, K, mΩ", 2.0, -50.0, 50.0, "Error of a biased sensor"),
                    _ramp("Time until the bias is reached (a drift), or until the last sensor has failed"),
                ),
            ),
            ScenarioKind(
                "CommunicationLoss",
                "Readings of the target and its parts do not arrive",
                _ANY,
                (_ramp("Time until the last jar is silent; then the other readings stop, too"),),
            ),
        )
    }
)
