"""Scenarios of the server (`Objects/Fleet/Simulation`): what can be started, what runs, and the calls.

`offered` and `running` are read in the shared session, calls go through the user's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.management import Rows, rows
from hmi.methods import calling, outputs
from hmi.simulations import is_set
from hmi.subscription import microseconds
from hmi.topology import Topology

OWNER: Final = "Simulation"
_RUNNING: Final = ("SimulationIds", "Scenarios", "Targets", "StartTimes", "EndTimes", "Progress")
_KINDS: Final = ("name", "description", "targets", "removable")
_PARAMETERS: Final = ("scenario", "name", "unit", "description", "default", "low", "high", "whole")
_STEPS: Final = ("scenario", "kind", "target", "begin", "duration")
_MOST_STEPS: Final = 50
_V: Final = ua.VariantType


@dataclass(frozen=True)
class Step:
    """One step of a custom scenario; `begin` and `duration` in s, `parameters` by name."""

    kind: str
    target: str
    begin: float
    duration: float
    parameters: Mapping[str, float]


async def offered(client: Client, topology: Topology) -> Rows:
    """Every scenario with its kinds of target, parameters and steps."""
    columns = [column or [] for column in await outputs(client, topology, OWNER, "Describe")]
    kinds, parameters, steps = columns[:4], columns[4:12], columns[12:]
    found = rows(_KINDS, kinds)
    for kind in found:
        kind["targets"] = kind["targets"].split()
        kind["parameters"] = _of(kind["name"], rows(_PARAMETERS, parameters))
        kind["steps"] = _of(kind["name"], rows(_STEPS, steps))
    return found


async def running(client: Client, topology: Topology) -> Rows:
    """What runs, in the order of the starts; times in ms, `until` and `progress` None until stopped."""
    nodes = [topology.node(f"{OWNER}.{name}") for name in _RUNNING]
    found = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    columns = [data.Value.Value or [] for data in found]
    return [
        {
            "id": number,
            "scenario": scenario,
            "target": target,
            "since": microseconds(since) // 1000,
            "until": microseconds(until) // 1000 if is_set(until) else None,
            "progress": None if math.isnan(progress) else progress,
        }
        for number, scenario, target, since, until, progress in zip(*columns, strict=False)
    ]


def starting(
    topology: Topology, scenario: str, target: str, duration: float, parameters: Mapping[str, float]
) -> ua.CallMethodRequest:
    """The call that starts a scenario; `duration` in s, 0 until stopped."""
    seconds = ua.Variant(duration, _V.Double)
    return calling(topology, OWNER, "Start", _text(scenario), _text(target), seconds, *_named(parameters))


def stopping(topology: Topology, number: str) -> ua.CallMethodRequest:
    """The call that stops a simulation."""
    return calling(topology, OWNER, "Stop", _text(number))


def adjusting(topology: Topology, number: str, parameters: Mapping[str, float]) -> ua.CallMethodRequest:
    """The call that changes parameters of a running simulation."""
    return calling(topology, OWNER, "Adjust", _text(number), *_named(parameters))


def defining(topology: Topology, name: str, description: str, steps: Sequence[Step]) -> ua.CallMethodRequest:
    """The call that defines a custom scenario; ValueError for too many steps."""
    if not 0 < len(steps) <= _MOST_STEPS:
        raise ValueError("a scenario has from 1 to 50 steps")
    parameters = [";".join(f"{key}={value!r}" for key, value in step.parameters.items()) for step in steps]
    return calling(
        topology,
        OWNER,
        "Define",
        _text(name),
        _text(description),
        _array([step.kind for step in steps], _V.String),
        _array([step.target for step in steps], _V.String),
        _array([step.begin for step in steps], _V.Double),
        _array([step.duration for step in steps], _V.Double),
        _array(parameters, _V.String),
    )


def removing(topology: Topology, name: str) -> ua.CallMethodRequest:
    """The call that removes a custom scenario."""
    return calling(topology, OWNER, "Remove", _text(name))


def _of(scenario: str, all_rows: Rows) -> Rows:
    return [row for row in all_rows if row["scenario"] == scenario]


def _named(parameters: Mapping[str, float]) -> tuple[ua.Variant, ua.Variant]:
    return _array(list(parameters), _V.String), _array(list(parameters.values()), _V.Double)


def _text(text: str) -> ua.Variant:
    return ua.Variant(text, _V.String)


def _array(values: list[Any], kind: ua.VariantType) -> ua.Variant:
    return ua.Variant(values, kind, is_array=True)
