"""The server's messages in Thai: all it can say of shipped conditions, incidents, models and simulations."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import hmi
from config.alarmfile import AlarmFile, open_alarm_file
from config.scenariofile import ScenarioFile
from config.settings import Settings
from config.yamlfile import check, load
from hmi.display import DISTRIBUTIONS, GATEWAY, HISTORIAN, JAR, JAR_DETAIL, SITE, STRING, SYSTEM
from hmi.i18n import catalogue
from nodeset.tags import STATES_OF, TAGS
from server.alarms.definition import AlarmDef, Level, alarm_defs
from server.alarms.events import ConditionEvent, ConditionState
from server.alarms.limits import ConditionLimits
from server.alarms.management.incidents import Step
from server.alarms.management.report import Report
from server.alarms.messages import message
from server.alarms.state import Change, Shelving, Suppression
from server.events import incident, model
from simulator.scenariokinds import KINDS

SCRIPT = Path(hmi.__file__).parent / "assets" / "messages.js"
THAI = catalogue("th")
DISTRIBUTION = {column.tag for column in DISTRIBUTIONS}
# What stays: units, names of users and places, times.
STAYS = re.compile(
    r"(?<![A-Za-z])(V|A|K|°C|mΩ|d|s|min|kW|Ah|admin|Bangrak|UTC|RUL|SOH|v7|UPS-1|S03|J07)(?![A-Za-z])"
)
STATE = ConditionState(
    enabled=True,
    level=0,
    acked=True,
    severity=600,
    last_severity=600,
    quality=0,
    value=12.345,
    event=1,
    time=0,
    active_time=0,
    acked_time=0,
    enabled_time=0,
    quality_time=0,
    severity_time=0,
    comment_time=0,
    comment="",
    user="admin",
)


def shipped() -> AlarmFile:
    """The alarm file as it is shipped."""
    return open_alarm_file(Settings().alarms, STATES_OF)[0]


def thai(texts: Iterable[str]) -> dict[str, str]:
    """Texts as a Thai browser shows them."""
    wanted = list(dict.fromkeys(texts))
    script = (
        f"const {{ Wording }} = await import({json.dumps(SCRIPT.as_uri())});"
        "let all = ''; for await (const part of process.stdin) all += part;"
        "const { words, texts } = JSON.parse(all); const wording = new Wording(words);"
        "console.log(JSON.stringify(texts.map((text) => wording.told(text))));"
    )
    done = subprocess.run(
        [shutil.which("node") or "", "--input-type=module", "--eval", script],
        input=json.dumps({"words": dict(THAI), "texts": wanted}),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return dict(zip(wanted, json.loads(done.stdout), strict=True))


def english_left(texts: Iterable[str]) -> dict[str, str]:
    """What a Thai reader is shown with English words in it, by its English."""
    return {text: told for text, told in thai(texts).items() if re.search("[A-Za-z]", STAYS.sub("", told))}


def told(definition: AlarmDef, change: Change, simulated: bool = False, **state: Any) -> str:
    """A message as the server puts it together."""
    limits, now = ConditionLimits.of(definition), STATE._replace(**state)
    return message(ConditionEvent(definition, "Bangrak", 2, b"", int(change), now, limits, simulated))


def said(definition: AlarmDef) -> Iterator[str]:
    """Everything that can be said of a condition."""
    by_user = Change.BY_USER
    for level in Level:
        yield told(definition, Change.ACTIVATED, level=int(level))
        yield told(definition, Change.CLEARED, simulated=True, value=float("nan"), level=int(level))
    for value in range(len(definition.tag.states)):
        yield told(definition, Change.LEVEL, value=float(value), level=1)
    yield told(definition, Change.QUALITY, quality=0x4000_0000, branch=3)
    yield told(definition, Change.QUALITY, quality=0x8000_0000)
    yield told(definition, Change.DISABLED)
    yield told(definition, Change.ENABLED)
    for first, second in pairwise(
        (
            Change.ACKNOWLEDGED,
            Change.CONFIRMED,
            Change.COMMENTED,
            Change.REMOVED_FROM_SERVICE,
            Change.UNSHELVED,
        )
    ):
        yield told(definition, first | second | by_user)
    for change in (Change.PLACED_IN_SERVICE, Change.CONFIGURED, Change.SUPPRESSED | by_user):
        yield told(definition, change)
    yield told(definition, Change.UNSUPPRESSED)
    yield told(definition, Change.UNSUPPRESSED | by_user)
    yield told(definition, Change.SHELVED | by_user, shelved=int(Shelving.ONE_SHOT), shelved_until=10**15)
    yield told(definition, Change.SHELVED | by_user, shelved=int(Shelving.TIMED), shelved_until=10**15)
    if definition.suppressed_by:
        yield told(definition, Change.SUPPRESSED, suppressed=int(Suppression.BY_DESIGN))


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")


@needs_node
def test_all_that_is_said_of_the_shipped_conditions() -> None:
    definitions = alarm_defs(shipped())
    assert len(definitions) > 20
    assert not english_left(text for each in definitions for text in said(each))


@needs_node
def test_incidents() -> None:
    reports = [
        Report(0, "i1", "Bangrak", cause, "Bangrak#MainsLost", 0, 6 * 10**7, n, n, n, n, n, 600, n == 1)
        for cause in shipped().incidents
        for n in (1, 2)
    ]
    assert reports
    texts = [incident.incident_message(step, report) for step in Step for report in reports]
    first = "เกิดก่อน Bangrak#MainsLost"  # the name of a condition is told as it is called
    assert not {k: v for k, v in english_left(texts).items() if english_left([v.replace(first, "")])}


@needs_node
def test_models_and_simulations() -> None:
    texts = [
        each.format(version="v7", previous="v7", by=by)
        for each in model._MESSAGE.values()
        for by in ("", " by admin")
    ]
    for end in ("was started by admin", "was stopped by admin", "has failed and was ended"):
        texts += [f"SIMULATION: {kind} on Bangrak/UPS-1/S03/J07 {end}" for kind in KINDS]
    texts += [
        f"SIMULATION: PowerOutage on Bangrak has ended: {reason}"
        for reason in ("its duration is over", "the server is stopped")
    ]
    assert not english_left([*texts, "The server has started", "The server is stopped"])


def test_what_is_not_known_stays_as_it_is() -> None:
    assert thai(["Pump 7, bay 3: dry; since 5 min", "", "a: b"]) == {
        text: text for text in ("Pump 7, bay 3: dry; since 5 min", "", "a: b")
    }


def test_every_condition_has_a_name_a_message_and_advice_in_thai() -> None:
    wanted = {text for each in alarm_defs(shipped()) for text in (each.name, each.message, each.advice)}
    assert not wanted - THAI.keys()


def test_every_scenario_and_its_parameters_are_in_thai() -> None:
    wanted: set[str] = set()
    for name, kind in KINDS.items():
        wanted |= {name, kind.description}
        wanted |= {text for each in kind.parameters for text in (each.name, each.description)}
    own = check(load(Settings().simulator.scenarios), ScenarioFile)
    wanted |= {text for name, each in own.scenarios.items() for text in (name, each.description)}
    assert not wanted - THAI.keys()


def test_every_tag_state_and_heading_is_in_thai() -> None:
    wanted = {tag.name for tag in TAGS} - DISTRIBUTION | {state for tag in TAGS for state in tag.states}
    wanted |= {c.label for c in (*SITE, *SYSTEM, *STRING, *JAR, *JAR_DETAIL, *GATEWAY, *HISTORIAN)}
    assert not wanted - THAI.keys()
