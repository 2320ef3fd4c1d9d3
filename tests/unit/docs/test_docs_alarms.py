"""The table of conditions in docs/alarms.md is what config/alarms.yaml says."""

from __future__ import annotations

from pathlib import Path

from config.alarmfile import Condition, Measure, open_alarm_file
from config.settings import HERE
from nodeset.fleet import AssetType
from nodeset.tags import STATES_OF
from server.alarms.definition import alarm_defs

DOC = Path(__file__).parents[3] / "docs" / "alarms.md"
HEAD = (
    "| condition | of | compares | limits (severity) | delays [s] | class, type |",
    "|---|---|---|---|---|---|",
)


def _compared(condition: Condition) -> str:
    measure, tag = condition.measure, condition.tag
    texts = {
        "value": tag,
        "float_compensated": f"{tag} at 25 °C",
        "change": f"change of {tag} in {(measure.window or 0) / 60:g} min",
        "from_string_mean": f"{tag} from the string's mean",
        "from_baseline": f"{tag} from its baseline",
        "abnormal": f"{tag}: {', '.join(measure.states)}",
        "missing": "jars that do not answer",
        "all_of": _together(measure),
    }
    modes = f", on {'/'.join(mode.lower() for mode in condition.modes)}" if condition.modes else ""
    return texts[measure.kind] + modes


def _together(measure: Measure) -> str:
    return " and ".join(f"{name} at {limit}" for name, limit in measure.of.items())


def _row(name: str, condition: Condition, unit: str) -> str:
    limits = ", ".join(
        f"{at} {limit.value:g}{' ' + unit if unit else ''} ({limit.severity})"
        for at, limit in condition.limits.set()
    )
    if condition.measure.kind in ("abnormal", "all_of"):
        limits = f"({condition.limits.set()[0][1].severity})"
    suppressed = f"; suppressed by {', '.join(condition.suppressed_by)}" if condition.suppressed_by else ""
    confirm = "; to be confirmed" if condition.confirm else ""
    return (
        f"| {name} | {condition.asset} | {_compared(condition)} | {limits} "
        f"| {condition.on_delay:g} / {condition.off_delay:g} "
        f"| {condition.kind}, {condition.type}{confirm}{suppressed} |"
    )


def table() -> list[str]:
    """The lines of the table, in the order of the file."""
    file = open_alarm_file(HERE / "alarms.yaml", STATES_OF)[0]
    units = {d.name: d.unit for d in alarm_defs(file)}
    return [*HEAD, *(_row(name, each, units[name]) for name, each in file.conditions.items())]


def test_the_table_of_conditions_is_that_of_the_file() -> None:
    lines = DOC.read_text().splitlines()
    first = lines.index(HEAD[0])
    found = lines[first : first + len(table())]
    assert found == table(), "paste what this test's table() gives"


def test_every_condition_says_what_to_do() -> None:
    file = open_alarm_file(HERE / "alarms.yaml", STATES_OF)[0]
    assert {each.asset for each in file.conditions.values()} == set(AssetType) - {AssetType.SYSTEM}
    for name, condition in file.conditions.items():
        assert len(condition.advice) > 60, name
        assert condition.advice.rstrip().endswith("."), name
        assert not condition.message.rstrip().endswith("."), name
