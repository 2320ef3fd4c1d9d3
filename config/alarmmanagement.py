"""The sections `management` and `incidents` of the alarm file: thresholds of alarm management, no behaviour.

The defaults are those of ISA-18.2-2016 (clause 16.5 and its table of performance metrics), which IEC 62682
and EEMUA 191 share: up to its `target` a figure is very likely acceptable, up to its `maximum` manageable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

# The lowest first.
PRIORITIES: Final = ("low", "medium", "high", "critical")
FLOOD: Final = "AlarmFlood"  # names an incident without a known cause

Severity = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400, description="[s]")]
Count = Annotated[int, Field(ge=1, le=10_000)]
Share = Annotated[float, Field(ge=0, le=100, description="[%]")]
ConditionName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]{0,39}$")]


class _Part(BaseModel):
    """A mapping of the file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Priorities(_Part):
    """The lowest severity of each priority; what is below `medium` is of low priority."""

    medium: Severity = 400
    high: Severity = 600
    critical: Severity = 800

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(one >= other for one, other in pairwise((1, self.medium, self.high, self.critical))):
            raise ValueError("medium, high and critical must rise, from 2 on")
        return self

    def lowest(self) -> tuple[int, int, int, int]:
        """The lowest severity of each of `PRIORITIES`."""
        return 1, self.medium, self.high, self.critical


class PriorityShares(_Part):
    """The share of all alarms that each priority should have [%]."""

    low: Share = 80
    medium: Share = 15
    high: Share = 5
    critical: Share = 1

    def shares(self) -> tuple[float, float, float, float]:
        """In the order of `PRIORITIES`."""
        return self.low, self.medium, self.high, self.critical


class Flood(_Part):
    """Alarms in 10 min: a flood begins above one number and ends below another (ISA-18.2, 16.5.6)."""

    begins_above: Count = 10
    ends_below: Count = 5

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.ends_below > self.begins_above:
            raise ValueError("ends_below must not be above begins_above")
        return self


class Chattering(_Part):
    """An alarm chatters that is raised so often within so long; it is over after a quiet time [s]."""

    activations: Annotated[int, Field(ge=2, le=20)] = 3
    within: Seconds = 60
    quiet: Seconds = 600


class Target(_Part):
    """Up to where a figure is acceptable, and up to where it is manageable; null: nowhere beyond that."""

    target: Annotated[float, Field(ge=0)]
    maximum: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.maximum is not None and self.maximum < self.target:
            raise ValueError("maximum must not be below target")
        return self


def _target(target: float, maximum: float | None = None) -> Target:
    return Target(target=target, maximum=maximum)


class Targets(_Part):
    """What the figures of the alarm system are measured by, for one operator's position."""

    alarms_per_day: Target = _target(150, 300)
    alarms_per_hour: Target = _target(6, 12)
    alarms_per_period: Target = _target(1, 2)
    peak_rate: Target = _target(10)
    busy_hours: Target = _target(1)
    busy_periods: Target = _target(1)
    time_in_flood: Target = _target(1)
    bad_actors: Target = _target(1, 5)
    chattering: Target = _target(0)
    fleeting: Target = _target(0)
    standing: Target = _target(5, 10)


class Management(_Part):
    """How the alarm system is watched."""

    priorities: Priorities = Priorities()
    priority_shares: PriorityShares = PriorityShares()
    flood: Flood = Flood()
    chattering: Chattering = Chattering()
    fleeting: Annotated[float, Field(ge=0, le=3600, description="[s]")] = 10
    standing: Annotated[float, Field(gt=0, le=366 * 86_400, description="[s]")] = 86_400
    busy_hour: Count = 30
    bad_actors: Annotated[int, Field(ge=1, le=100)] = 10
    change_interval: Annotated[float, Field(ge=1, le=3600, description="[s]")] = 60
    incidents_kept: Annotated[int, Field(ge=1, le=1000)] = 200
    targets: Targets = Targets()


class Incident(_Part):
    """What belongs to an incident whose cause is a condition, of the same site.

    An activation of one of `members`, or of what the cause suppresses, belongs to it while the cause is
    active, from `look_back` before it until `linger` after it.
    """

    members: tuple[ConditionName, ...] = ()
    look_back: Annotated[float, Field(ge=0, le=3600, description="[s]")] = 60
    linger: Annotated[float, Field(ge=0, le=86_400, description="[s]")] = 300


Incidents = Annotated[dict[ConditionName, Incident], Field(max_length=50)]


def unknown_conditions(
    incidents: Mapping[str, Incident], names: frozenset[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where incidents name conditions that there are not, or themselves, and what is wrong there."""
    for cause, incident in incidents.items():
        if cause not in names:
            yield ("incidents", cause), "there is no condition of this name to be the cause"
        for i, member in enumerate(incident.members):
            loc = ("incidents", cause, "members", i)
            if member not in names:
                yield loc, f"there is no condition '{member}'"
            elif member == cause:
                yield loc, "the cause belongs to the incident anyway"
