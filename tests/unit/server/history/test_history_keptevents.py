"""Events as rows of the journal, and back: every field and attribute, whatever has changed meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from asyncua import ua

from historian.events import EventRow
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from nodeset.tags import TAG_OF, Mode
from server.alarms.definition import (
    AlarmDef,
    AlarmType,
    ConditionClass,
    ConditionIndex,
    Level,
    Measure,
    MeasureKind,
    Words,
)
from server.alarms.definitiontext import definition_of, definition_text
from server.alarms.events import ConditionEvent, condition_events
from server.alarms.fields import FIELDS
from server.alarms.state import Change
from server.alarms.table import AlarmTable
from server.events.event import Event, PlainEvent, string, system_event
from server.history.keptevents import KeptEvents

START = 1_767_225_600_000_000
NAN = float("nan")
URIS = ["http://opcfoundation.org/UA/", "urn:own", "urn:voltkeep:types", "urn:voltkeep:fleet"]
VOLTAGE = AlarmDef(
    "VoltageLevel", TAG_OF[AssetType.JAR, "Voltage"], ConditionClass.MAINTENANCE, (NAN, 11.0, 14.0, NAN),
    (0, 400, 500, 0), 0.5, 1_000_000, 2_000_000, "Jar voltage", "Look at it.",
)  # fmt: skip
EVERY_FIELD = sorted({path for paths in FIELDS.values() for path in paths})
ATTRIBUTES = [ua.AttributeIds.NodeId, ua.AttributeIds.BrowseName, ua.AttributeIds.Description]


@pytest.fixture
def events(small_index: TagIndex) -> list[ConditionEvent]:
    """A condition with every field of its state set, one that never was active, and a simulated one."""
    table = AlarmTable(ConditionIndex(small_index.fleet, (VOLTAGE,)), START)
    state = table.state
    state.level[0], state.acked[0], state.severity[0], state.last_severity[0] = 1, False, 500, 400
    state.quality[0], state.value[0] = 0x4000_0000, 14.25
    for i, name in enumerate(("active", "acked", "enabled", "quality", "severity", "comment")):
        getattr(state, f"{name}_time")[0] = START + 1 + i
    state.comment[0], state.user[0] = "seen", "anna"
    made = condition_events(table, table.tell_again(np.arange(2), START + 50), 3)
    fork = table.fork()
    return made + condition_events(fork, fork.tell_again(np.arange(1), START + 60), 3, "Shadow/")


def told(event: Event) -> list[object]:
    """All that an event tells, encoded and as values."""
    paths = [*EVERY_FIELD, ("2:Scenario",)]
    values = [(event.value(path).Value, event.value(path).VariantType) for path in paths]
    encoded = [event.encoded(path) for path in paths]
    return [event.type, event.source, values, encoded, *(event.encoded_attribute(int(a)) for a in ATTRIBUTES)]


def test_a_condition_tells_the_same_later(events: list[ConditionEvent]) -> None:
    kept = KeptEvents(URIS, 3)
    for number, event in enumerate(events):
        row = kept.row(event, number)
        assert told(kept.event(row)) == told(event)
        assert row.simulated == event.simulated
    assert [event.simulated for event in events] == [False, False, True]


def test_the_past_keeps_its_definition_and_its_words(
    events: list[ConditionEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptEvents(URIS, 3)
    rows, before = [kept.row(event, 0) for event in events], [told(event) for event in events]
    monkeypatch.setattr("server.alarms.messages.SIMULATION", "Changed: ")
    assert [told(kept.event(row)) for row in rows] == before


@pytest.mark.parametrize("kind", AlarmType)
def test_a_condition_of_any_type_keeps_its_whole_state(events: list[ConditionEvent], kind: AlarmType) -> None:
    definition = replace(VOLTAGE, type=kind, confirm=True, suppressed_by=("MainsLost",))
    state = events[0].state._replace(
        confirmed=False, confirmed_time=START + 1, shelved=2, shelved_time=START + 2, shelved_until=START + 3,
        suppressed=3, suppressed_time=START + 4, out_of_service=True, service_time=START + 5, branch=1 << 40,
        branches=2,
    )  # fmt: skip
    change = int(Change.CONFIGURED | Change.SHELVED)
    event = replace(events[0], definition=definition, state=state, change=change, _known={}, _encoded={})
    kept = KeptEvents(URIS, 3)
    later = kept.event(kept.row(event, 0))
    assert isinstance(later, ConditionEvent)
    assert told(later) == told(event)
    assert (later.state, later.change, later.definition.type) == (state, change, kind)
    assert (later.definition.confirm, later.definition.suppressed_by) == (True, ("MainsLost",))


def test_limits_that_are_the_conditions_own_are_kept(events: list[ConditionEvent]) -> None:
    limits = events[0].limits._replace(values=(NAN, 10.0, 14.2, NAN), on_delay=7_000_000, hysteresis=0.25)
    event = replace(events[0], limits=limits, _known={}, _encoded={})
    kept = KeptEvents(URIS, 3)
    later = kept.event(kept.row(event, 0))
    assert told(later) == told(event)
    assert isinstance(later, ConditionEvent)
    assert repr(later.limits) == repr(limits)
    assert "limit 14.2 V" in later.value(("Message",)).Value.Text
    assert kept.row(event, 0).condition.definition != kept.row(events[0], 0).condition.definition


def test_a_definition_of_before_these_types_is_one_of_a_level() -> None:
    old = json.loads(definition_text(replace(VOLTAGE, type=AlarmType.SYSTEM, confirm=True)))
    for name in ("type", "confirm", "suppressed_by", "linger", "measure", "modes", "cells", "words"):
        del old[name]
    assert repr(definition_of(json.dumps(old))) == repr(VOLTAGE)  # NaN is never equal


def test_a_definition_keeps_what_it_measures_and_its_words() -> None:
    measure = Measure(MeasureKind.ALL_OF, 600_000_000, (0, 2), (("VoltageLevel", Level.LOW_LOW),))
    definition = replace(
        VOLTAGE,
        measure=measure,
        modes=(Mode.FLOAT, Mode.EQUALISE),
        cells=6,
        linger=5,
        words=Words("On", "Off"),
    )
    later = definition_of(definition_text(definition))
    assert repr(later) == repr(definition)
    assert (later.measure, later.words) == (measure, Words("On", "Off"))


def test_a_tag_that_is_no_more_keeps_its_name(events: list[ConditionEvent]) -> None:
    tag = replace(VOLTAGE.tag, name="Humour")
    event = replace(events[0], definition=replace(VOLTAGE, tag=tag))
    kept = KeptEvents(URIS, 3)
    later = kept.event(kept.row(event, 0))
    assert later.encoded(("InputNode",)) == event.encoded(("InputNode",))


def test_another_event_tells_the_same_later_in_other_namespaces_too() -> None:
    kind, source = ua.NodeId("SimulationStartedEventType", 2), ua.NodeId("Simulation", 3)
    more = {("2:Scenario",): string("HvacFailure")}
    event = PlainEvent(kind, START, "It was started", 400, "Simulation", source, more)
    row = KeptEvents(URIS, 3).row(event, 1)
    assert told(KeptEvents(URIS, 3).event(row)) == told(event)
    moved = KeptEvents([*URIS[:2], "urn:imported", *URIS[2:]], 4).event(row)
    assert moved.type == ua.NodeId("SimulationStartedEventType", 3)
    assert moved.value(("3:Scenario",)).Value == "HvacFailure"
    assert moved.value(("SourceNode",)).Value == ua.NodeId("Simulation", 4)


def test_the_servers_own_event_and_a_note_of_loss_are_events() -> None:
    kept = KeptEvents(URIS, 3)
    event = system_event(START, "Started", 100)
    assert told(kept.event(kept.row(event, 1))) == told(event)
    loss = kept.event(EventRow(START, 1, b"1" * 16, "i=3035", "", 800, False, "7 were lost"))
    assert loss.type == ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType)
    assert loss.value(("SourceNode",)).Value == ua.NodeId(ua.ObjectIds.Server)
