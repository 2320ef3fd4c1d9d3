"""The alarm file (`alarms.yaml`): its shape, its checks and its JSON Schema; no behaviour.

A wrong file raises `ConfigurationError`, which lists every fault with its key and line. Whether the targets
of overrides exist, and what limits they leave, is known with the fleet only: server/alarms/overrides.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from config.alarmmanagement import ConditionName, Incidents, Management, Severity, unknown_conditions
from config.yamlfile import ConfigurationError, Loc, YamlFile, check, load

# Limits from the lowest to the highest, as the file names them.
LIMITS = ("low_low", "low", "high", "high_high")
# Tags that a condition can watch: names of the states of (asset type, tag name), none where it has no states.
States = Mapping[tuple[str, str], Sequence[str]]

LimitName = Literal["low_low", "low", "high", "high_high"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Delay = Annotated[float, Field(ge=0, le=86_400, description="[s]")]
Band = Annotated[float, Field(ge=0, description="in the unit of the limits")]
OperatingMode = Literal["Float", "Discharge", "Recharge", "Equalise", "Offline"]


class Part(BaseModel):
    """A mapping of the alarm file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limit(Part):
    """Where a condition becomes active, and how severe that is (Part 5, 6.4.2)."""

    value: float
    severity: Severity


class Limits(Part):
    """Up to four limits; a missing one is never exceeded."""

    low_low: Limit | None = None
    low: Limit | None = None
    high: Limit | None = None
    high_high: Limit | None = None

    def set(self) -> list[tuple[str, Limit]]:
        """The limits that are there, from the lowest to the highest."""
        named = [(name, getattr(self, name)) for name in LIMITS]
        return [(name, limit) for name, limit in named if limit is not None]


class Measure(Part):
    """What of its tag a condition compares with its limits; the other keys belong to certain kinds only."""

    kind: Annotated[
        Literal[
            "value",
            "float_compensated",
            "change",
            "from_string_mean",
            "from_baseline",
            "abnormal",
            "missing",
            "all_of",
        ],
        Field(
            description="value: as it is; float_compensated: a jar's voltage as it would be at 25 °C; "
            "change: rise above the lowest (and fall below the highest) of a window; from_string_mean: "
            "difference from the mean of the string, of a string that of its jar that differs most; "
            "from_baseline: deviation of a jar's ohmic value from its baseline [%]; abnormal: 1 while the "
            "state is one of `states`, else 0; missing: jars below the asset whose tag of this name does not "
            "arrive [%]; all_of: 1 while all of the conditions `of` the same asset have reached their limit"
        ),
    ] = "value"
    window: Annotated[float, Field(ge=10, le=7200, description="[s], of change")] | None = None
    states: Annotated[tuple[Word, ...], Field(description="of abnormal: names of the tag's states")] = ()
    of: Annotated[
        dict[ConditionName, LimitName],
        Field(description="of all_of: conditions, and the limit that each has reached or passed"),
    ] = {}


# The key that a kind of measure needs; no other kind has it.
_NEEDS: Final = {"change": "window", "abnormal": "states", "all_of": "of"}
# Asset types that can be measured so; the kinds that are not here can be measured of all.
_MEASURED_OF: Final[dict[str, tuple[str, ...]]] = {
    "float_compensated": ("Jar",),
    "from_string_mean": ("String", "Jar"),
    "from_baseline": ("Jar",),
    "missing": ("String", "System", "Site", "Fleet"),
}
# The only tag of which it makes sense.
_ONLY_TAG: Final = {"float_compensated": "Voltage", "from_baseline": "InternalResistance"}
_OFF_NORMAL: Final = ("off_normal", "system", "instrument")


class Words(Part):
    """What the two states of an off-normal condition are called, for its messages."""

    normal: Word
    active: Word


class Condition(Part):
    """One condition, of every asset of a type: what it watches, when it is active, what to say and do."""

    asset: Literal["Fleet", "Site", "System", "String", "Jar"]
    tag: str
    type: Annotated[
        Literal["level", "deviation", "rate_of_change", "off_normal", "system", "instrument", "discrepancy"],
        Field(description="the ObjectType of OPC UA (Part 9, 5.8)"),
    ] = "level"
    measure: Measure = Measure()
    modes: Annotated[
        tuple[OperatingMode, ...],
        Field(description="operating modes of the system in which it can be active; none: all"),
    ] = ()
    kind: Annotated[Literal["process", "maintenance", "safety", "system"], Field(alias="class")]
    limits: Limits
    hysteresis: Band = 0.0
    cells: Annotated[
        int | None,
        Field(ge=1, le=24, description="limits are those of a jar of so many cells, others' in proportion"),
    ] = None
    on_delay: Delay = 0.0
    off_delay: Delay = 0.0
    confirm: Annotated[bool, Field(description="whether an operator has also to confirm")] = False
    suppressed_by: Annotated[
        tuple[ConditionName, ...],
        Field(description="conditions of the same site, or of the fleet, that explain it"),
    ] = ()
    linger: Annotated[Delay, Field(description="[s] for which they explain it after their end")] = 0.0
    shelve_max: Annotated[
        float, Field(gt=0, le=7 * 86_400, description="[s] for which an operator may shelve it at most")
    ] = 86_400.0
    words: Words | None = None
    message: Text
    advice: Text


class LimitChange(Part):
    """What of a limit differs; what is not named stays."""

    value: float | None = None
    severity: Severity | None = None


class LimitChanges(Part):
    """What of the limits differs; null takes a limit away."""

    low_low: LimitChange | None = None
    low: LimitChange | None = None
    high: LimitChange | None = None
    high_high: LimitChange | None = None


class ConditionChange(Part):
    """What of a condition differs; what is not named stays."""

    limits: LimitChanges = LimitChanges()
    hysteresis: Band | None = None
    on_delay: Delay | None = None
    off_delay: Delay | None = None


class OverridePart(Part):
    """What differs in a part of the fleet."""

    target: Annotated[str, Field(description="a jar model, or the path of a site, system, string or jar")]
    conditions: Annotated[dict[ConditionName, ConditionChange], Field(min_length=1)]


class AlarmFile(Part):
    """The whole file: conditions by name, and where they differ from that."""

    conditions: Annotated[dict[ConditionName, Condition], Field(min_length=1)]
    overrides: Annotated[
        tuple[OverridePart, ...],
        Field(description="model, site, system, string, jar: the more specific wins, then the later"),
    ] = ()
    management: Management = Management()
    incidents: Incidents = {}


def open_alarm_file(path: Path, tags: States) -> tuple[AlarmFile, YamlFile]:
    """Read and check `path`; gives its source, too, which tells the lines of later faults.

    `tags` holds every (asset type, tag name) that a condition can watch.
    """
    source = load(path)
    file = check(source, AlarmFile)
    faults = [source.error(loc, text) for loc, text in _contradictions(file, tags)]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return file, source


def json_schema() -> dict[str, Any]:
    """JSON Schema of the alarm file, for editors and other tools."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Voltkeep alarms",
    } | AlarmFile.model_json_schema()


def _contradictions(file: AlarmFile, tags: States) -> Iterator[tuple[Loc, str]]:
    """What the schema cannot say."""
    for name, condition in file.conditions.items():
        loc: Loc = ("conditions", name)
        faults = (
            *_measure_faults(condition, tags),
            *_limit_faults(condition),
            *_reference_faults(file, name, condition),
        )
        yield from (((*loc, *where), text) for where, text in faults)
    for i, override in enumerate(file.overrides):
        yield from _override_faults(file, override, ("overrides", i))
    yield from unknown_conditions(file.incidents, frozenset(file.conditions))


def _measure_faults(condition: Condition, tags: States) -> Iterator[tuple[Loc, str]]:
    """A tag that is there, and a measure that it can be taken of."""
    asset, tag, measure = condition.asset, condition.tag, condition.measure
    states = tags.get((asset, tag))
    if states is None:
        yield ("tag",), f"a {asset} has no tag '{tag}'"
    if asset not in _MEASURED_OF.get(measure.kind, (asset,)):
        yield ("measure", "kind"), f"is not measured of a {asset}"
    elif _ONLY_TAG.get(measure.kind, tag) != tag:
        yield ("measure", "kind"), f"is measured of {_ONLY_TAG[measure.kind]} only"
    for kind, key in _NEEDS.items():
        if (measure.kind == kind) != bool(getattr(measure, key)):
            told = f"{kind} needs it" if measure.kind == kind else f"belongs to {kind} only"
            yield ("measure", key), told
    for state in measure.states:
        if states is not None and state not in states:
            known = f"its states: {', '.join(states)}" if states else "it has no states"
            yield ("measure", "states"), f"'{state}' is no state of {tag} ({known})"
    if condition.modes and asset in ("Fleet", "Site"):
        yield ("modes",), f"a {asset} has no operating mode"
    if condition.cells is not None and asset != "Jar":
        yield ("cells",), f"a {asset} has no cells"


def _limit_faults(condition: Condition) -> Iterator[tuple[Loc, str]]:
    """Limits in order, and a band between them that hysteresis leaves open."""
    limits = condition.limits.set()
    if not limits:
        yield ("limits",), f"at least one of {', '.join(LIMITS)}"
    for (below, low), (above, high) in pairwise(limits):
        if low.value >= high.value:
            yield ("limits", above), f"must be above {below} ({low.value:g})"
        elif below == "low" and above == "high" and 2 * condition.hysteresis >= high.value - low.value:
            yield ("hysteresis",), "must be less than half the band between low and high"
    if condition.words is not None and condition.type not in _OFF_NORMAL:
        yield ("words",), f"belongs to {', '.join(_OFF_NORMAL)} only"


def _reference_faults(file: AlarmFile, name: str, condition: Condition) -> Iterator[tuple[Loc, str]]:
    """Other conditions that it names."""
    for other, limit in condition.measure.of.items():
        found = file.conditions.get(other)
        if found is None or found.asset != condition.asset or other == name:
            yield ("measure", "of", other), f"no other condition of a {condition.asset}"
        elif getattr(found.limits, limit) is None:
            yield ("measure", "of", other), f"has no limit {limit}"
    for cause in condition.suppressed_by:
        found = file.conditions.get(cause)
        if found is None or cause == name:
            yield ("suppressed_by",), f"there is no other condition '{cause}'"
    if condition.linger and not condition.suppressed_by:
        yield ("linger",), "belongs to suppressed_by"


def _override_faults(file: AlarmFile, override: OverridePart, loc: Loc) -> Iterator[tuple[Loc, str]]:
    for name in override.conditions:
        if name not in file.conditions:
            yield (*loc, "conditions", name), "there is no such condition"
