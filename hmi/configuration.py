"""How conditions are configured (`Objects/Fleet/Alarms`): definitions, where conditions differ, and changes.

Definitions and differences are read in the shared session; a change goes through the user's own. What it
would touch is counted from the topology and the models of the jars.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from asyncua import Client, ua

from hmi import audit
from hmi.management import OWNER, Rows, rows
from hmi.methods import calling, outputs
from hmi.topology import FLEET, Asset, Topology

LEVELS: Final = ("LowLow", "Low", "High", "HighHigh")
SETTINGS: Final = (
    *(f"{level}Limit" for level in LEVELS),
    *(f"Severity{level}" for level in LEVELS),
    "Hysteresis",
    "OnDelay",
    "OffDelay",
)
_DEFINITION: Final = ("condition", "asset", "count", "tag", "measure", "unit", "cells", "kind")
_DIFFERENCE: Final = ("condition", "target", "name", "value", "user", "time", "fault")
_DEPTHS: Final = {"Site": 1, "System": 2, "String": 3, "Jar": 4}  # parts of the path of an asset
_READS_AT_ONCE: Final = 1000
_V: Final = ua.VariantType


async def definitions(client: Client, topology: Topology) -> Rows:
    """Conditions as the alarm file declares them; `settings` by name, delays in s, None where not set."""
    found = await outputs(client, topology, OWNER, "ListDefinitions")
    columns = (*_DEFINITION, *SETTINGS, "advice")
    return [definition(row) for row in rows(columns, found)]


def definition(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the method's outputs with its settings apart; no limit has no severity."""
    settings = {name: row[name] for name in SETTINGS}
    for level in LEVELS:
        if settings[f"{level}Limit"] is None:
            settings[f"Severity{level}"] = None
    return {name: row[name] for name in (*_DEFINITION, "advice")} | {"settings": settings}


async def differences(client: Client, topology: Topology) -> Rows:
    """Where conditions differ from their definitions; without a `user` the alarm file says so."""
    return rows(_DIFFERENCE, await outputs(client, topology, OWNER, "ListConfiguration"))


async def jar_models(client: Client, topology: Topology) -> dict[str, str]:
    """Name of the model of each jar, by path."""
    jars = [path for path in topology.by_path if path.count("/") == _DEPTHS["Jar"] - 1]
    found: dict[str, str] = {}
    for start in range(0, len(jars), _READS_AT_ONCE):
        part = jars[start : start + _READS_AT_ONCE]
        nodes = [topology.node(f"{path}.Model") for path in part]
        values = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
        for path, data in zip(part, values, strict=True):
            value = data.Value.Value if data.Value is not None else None
            found[path] = str(getattr(value, "Text", value) or "")
    return found


def models_of(models: Mapping[str, str]) -> Rows:
    """Each model, and how many jars are of it; the most frequent first."""
    return [{"name": name, "jars": count} for name, count in Counter(models.values()).most_common() if name]


def touched(topology: Topology, models: Mapping[str, str], asset: str, target: str) -> int:
    """How many assets of a type are at a target: the fleet, a path, or the name of a jar model."""
    if asset == FLEET:
        return 1 if target in ("", FLEET) else 0
    depth = _DEPTHS[asset]
    if target in topology.by_path:
        return _parts(topology.by_path[target], depth - target.count("/") - 1)
    if target in ("", FLEET):
        return sum(_parts(site, depth - 1) for site in topology.sites)
    jars = [path for path, name in models.items() if name == target]
    if asset == "Jar":
        return len(jars)
    return len({path.rpartition("/")[0] for path in jars}) if asset == "String" else 0


def _parts(asset: Asset, below: int) -> int:
    """How many assets are so many levels below; none above."""
    if below < 0:
        return 0
    return 1 if below == 0 else sum(_parts(part, below - 1) for part in asset.parts)


def configuring(topology: Topology, asked: Any) -> ua.CallMethodRequest:
    """The call that changes a condition at a target; ValueError, TypeError or KeyError for nonsense."""
    values = asked["values"]
    if not isinstance(values, dict) or not values or not set(values) <= set(SETTINGS):
        raise ValueError("no settings")
    numbers = [math.nan if each is None else float(each) for each in values.values()]
    names = ua.Variant(list(values), _V.String, is_array=True)
    return calling(
        topology,
        OWNER,
        "Configure",
        _text(asked["condition"]),
        _text(asked["target"]),
        names,
        ua.Variant(numbers, _V.Double, is_array=True),
    )


def resetting(topology: Topology, asked: Any) -> ua.CallMethodRequest:
    """The call that forgets what was changed; each empty for all."""
    return calling(topology, OWNER, "ResetConfiguration", _text(asked["condition"]), _text(asked["target"]))


def of_configuration(entries: Sequence[Mapping[str, Any]]) -> Rows:
    """Entries of the audit trail that are about the configuration of conditions."""
    return [dict(entry) for entry in entries if _is_ours(str(entry["target"]))]


async def history(client: Client, topology: Topology, asked: audit.Question, pages: int) -> Rows:
    """Changes out of the audit trail, newest first; at most so many `pages` of the trail are looked at."""
    found: Rows = []
    for _ in range(pages):
        entries = await audit.read(client, topology, asked)
        found += of_configuration(entries)
        oldest = min((entry["time"] for entry in entries), default=asked.start)
        if len(entries) < asked.most or not asked.start < oldest < asked.end:
            break
        asked = audit.Question(asked.start, oldest, asked.most)
    return found


def _is_ours(target: str) -> bool:
    condition, _, member = target.rpartition(".")
    if target.endswith((f"{OWNER}.Configure", f"{OWNER}.ResetConfiguration")):
        return True
    return "#" in condition and (member in SETTINGS or member.endswith("Deadband"))


def _text(value: Any) -> ua.Variant:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return ua.Variant(value, _V.String)
