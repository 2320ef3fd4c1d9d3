"""A condition as a node shows it is what its event would tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alarmplant import START, TEMPERATURE, VOLTAGE, AlarmPlant

from server.alarms.definition import AlarmType
from server.alarms.events import condition_events
from server.alarms.fields import FIELDS
from server.alarms.live import live_event
from server.alarms.state import Transitions


@pytest.mark.parametrize("kind", AlarmType)
@pytest.mark.parametrize("confirm", [False, True])
def test_a_live_condition_tells_what_its_event_would(kind: AlarmType, confirm: bool) -> None:
    hot = replace(TEMPERATURE, type=kind, confirm=confirm)
    plant = AlarmPlant(hot, VOLTAGE)
    plant.set(hot, 46.25, asset=1)
    plant.step(2)
    plant.table.timed_shelve(1, 60_000_000, "once more", "สมชาย", START + 3_000_000)
    for table, at in ((plant.table, ""), (plant.table.fork(), "Shadow/")):
        for row in (0, 1, 5):
            now = Transitions(0, np.array([row]), np.zeros(1, np.uint32), table.snapshot(row))
            (told,) = condition_events(table, now, 3, at)
            live = live_event(table, row, 3, at)
            for path in FIELDS[live.definition.type]:
                assert live.value(path) == told.value(path), path
                assert live.encoded(path) == told.encoded(path), path
            assert (live.condition, live.simulated, live.state.retain) == (
                told.condition,
                told.simulated,
                told.state.retain,
            )


def test_a_live_condition_is_as_it_is_now() -> None:
    plant = AlarmPlant(TEMPERATURE)
    live = live_event(plant.table, 1, 3, "")
    plant.set(TEMPERATURE, 46.25, asset=1)
    plant.step(2)
    assert live.value(("ActiveState", "Id")).Value is True
    assert live_event(plant.table, 1, 3, "").event_id == plant.event_id(1)
