"""The kinds of fault that an operator can start: where each applies, and which numbers shape it.

A table for scenarios.py, which checks requests against it, and effects.py, which makes the faults felt.
"""

from __future__ import annotations

from dataclasses import dataclass
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
class ScenarioKind:
    """A kind of scenario: where it applies and what shapes it."""

    name: str
    description: str
    targets: tuple[AssetType, ...]
    parameters: tuple[Parameter, ...] = ()


_SITE, _SYSTEM, _STRING, _JAR = AssetType.SITE, AssetType.SYSTEM, AssetType.STRING, AssetType.JAR
_ANY = (_SITE, _SYSTEM, _STRING, _JAR)

KINDS: Final = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            ScenarioKind(
                "PowerOutage",
                "Mains lost; the batteries carry the load until the depth is reached, then recharge",
                (_SITE, _SYSTEM),
                (
                    Parameter(
                        "DepthVoltage", "V", 11.0, 10.5, 12.0, "Mean jar voltage of a 12 V jar to stop at"
                    ),
                    Parameter("LoadFactor", "", 1.0, 0.1, 3.0, "Load against the present one"),
                ),
            ),
            ScenarioKind(
                "HvacFailure",
                "Air conditioning fails; the room warms from where it is, jars follow 15 min behind",
                (_SITE,),
                (
                    Parameter("Rate", "K/h", 2.0, 0.5, 60.0, "How fast the room warms"),
                    Parameter("Ceiling", "°C", 38.0, 28.0, 45.0, "Where it stops"),
                ),
            ),
            ScenarioKind(
                "TemperatureSpike",
                "Jars, and the room of a site, are warmer at once",
                _ANY,
                (Parameter("Rise", "K", 10.0, 1.0, 40.0, "How much warmer"),),
            ),
            ScenarioKind(
                "ThermalRunaway",
                "One jar heats itself up",
                (_JAR,),
                (
                    Parameter("Peak", "°C", 60.0, 45.0, 90.0, "Where it stops"),
                    Parameter("Rate", "K/min", 2.0, 0.1, 60.0, "How fast it warms"),
                ),
            ),
            ScenarioKind(
                "AcceleratedAgeing",
                "Jars wear out: ohmic resistance rises, capacity falls",
                _ANY,
                (
                    Parameter("ResistanceRise", "%", 60.0, 0.0, 400.0, "Rise of the ohmic resistance"),
                    Parameter("CapacityLoss", "%", 25.0, 0.0, 90.0, "Loss of capacity"),
                    Parameter("Ramp", "min", 10.0, 0.0, 525_600.0, "Time to reach both"),
                ),
            ),
            ScenarioKind(
                "SensorFault",
                "A measurement of the jars is stuck, biased or dead; the jars themselves are well",
                (_STRING, _JAR),
                (
                    Parameter("Fault", "", 0.0, 0.0, 2.0, "0 stuck, 1 biased, 2 dead", whole=True),
                    Parameter(
                        "Quantity", "", 0.0, 0.0, 2.0, "0 voltage, 1 temperature, 2 resistance", whole=True
                    ),
                    Parameter("Bias", "V, K, mΩ", 2.0, -50.0, 50.0, "Error of a biased sensor"),
                ),
            ),
            ScenarioKind("CommunicationLoss", "Readings of the target and its parts do not arrive", _ANY),
        )
    }
)
