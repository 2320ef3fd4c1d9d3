"""The alarm file (`alarms.yaml`): its shape and its checks; limits, delays and words, no behaviour.

A wrong file raises `ConfigurationError`, which lists every fault with its key and line.
"""

from __future__ import annotations

from collections.abc import Container
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from config.yamlfile import ConfigurationError, Loc, check, load

# Limits from the lowest to the highest, as the file names them.
LIMITS = ("low_low", "low", "high", "high_high")

ConditionName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]{0,39}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Delay = Annotated[float, Field(ge=0, le=86_400, description="[s]")]


class Part(BaseModel):
    """A mapping of the alarm file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limit(Part):
    """Where a condition becomes active, in the unit of its tag, and how severe that is (Part 5, 6.4.2)."""

    value: float
    severity: Annotated[int, Field(ge=1, le=1000)]


class Limits(Part):
    """Up to four limits of one tag; a missing one is never exceeded."""

    low_low: Limit | None = None
    low: Limit | None = None
    high: Limit | None = None
    high_high: Limit | None = None

    def set(self) -> list[tuple[str, Limit]]:
        """The limits that are there, from the lowest to the highest."""
        named = [(name, getattr(self, name)) for name in LIMITS]
        return [(name, limit) for name, limit in named if limit is not None]


class Condition(Part):
    """One condition, of every asset of a type: the tag it watches, when it is active, what to say and do."""

    asset: Literal["Fleet", "Site", "System", "String", "Jar"]
    tag: str
    kind: Annotated[Literal["process", "maintenance", "safety", "system"], Field(alias="class")]
    limits: Limits
    hysteresis: Annotated[float, Field(ge=0, description="in the unit of the tag")] = 0.0
    on_delay: Delay = 0.0
    off_delay: Delay = 0.0
    message: Text
    advice: Text


class AlarmFile(Part):
    """The whole file: conditions by name."""

    conditions: Annotated[dict[ConditionName, Condition], Field(min_length=1)]


def read_alarm_file(path: Path, tags: Container[tuple[str, str]]) -> AlarmFile:
    """Read and check `path`; `tags` holds every (asset type, tag name) that a condition can watch."""
    source = load(path)
    file = check(source, AlarmFile)
    faults: list[str] = []
    for name, condition in file.conditions.items():
        loc: Loc = ("conditions", name)
        if (condition.asset, condition.tag) not in tags:
            faults.append(source.error((*loc, "tag"), f"a {condition.asset} has no tag '{condition.tag}'"))
        faults += [source.error((*loc, *where), text) for where, text in _contradictions(condition)]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return file


def _contradictions(condition: Condition) -> list[tuple[Loc, str]]:
    """What the schema cannot say: limits in order, and a band between them that hysteresis leaves open."""
    limits = condition.limits.set()
    if not limits:
        return [(("limits",), f"at least one of {', '.join(LIMITS)}")]
    faults: list[tuple[Loc, str]] = []
    for (below, low), (above, high) in pairwise(limits):
        if low.value >= high.value:
            faults.append((("limits", above), f"must be above {below} ({low.value:g})"))
        elif below == "low" and above == "high" and 2 * condition.hysteresis >= high.value - low.value:
            faults.append((("hysteresis",), "must be less than half the band between low and high"))
    return faults
