"""Queues of live values as columns, against queues as Part 4 says them."""

from __future__ import annotations

import math
import struct
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from hypothesis import given, settings
from hypothesis import strategies as some

from config.fleetfile import read_fleet_file
from config.settings import Settings
from nodeset.fleet import AssetType, build_fleet
from nodeset.frame import Frame
from nodeset.index import TagIndex
from server.livetable import LiveTable
from server.subscriptions.liveitems import DISABLED, NO_DEADBAND, REPORTING, SAMPLING, LiveItem
from server.subscriptions.livequeues import OVERFLOW, LiveQueues, LiveTerms

INDEX = TagIndex(build_fleet(read_fleet_file(Settings().fleet)))
FIRST = INDEX.slice(AssetType.JAR, "Voltage").start
ROWS = (FIRST, FIRST + 1, FIRST + 2)
UNCERTAIN = int(ua.StatusCodes.UncertainInitialValue)


class Plant:
    """A live table whose values the test says."""

    def __init__(self) -> None:
        self.table = LiveTable(INDEX)
        self._number = 0
        self._values = np.zeros(INDEX.size)
        self._status = np.zeros(INDEX.size, np.uint32)
        self._times = np.zeros(INDEX.size, np.int64)
        self.commit({}, 0)

    def commit(self, values: dict[int, tuple[float, int]], time: int) -> None:
        self._number += 1
        for row, (value, status) in values.items():
            self._values[row], self._status[row] = value, status
        self._times[:] = time
        frame = Frame(INDEX, self._number, time, self._values.copy(), self._status.copy(), self._times.copy())
        self.table.commit(frame.freeze())


@dataclass
class Model:
    """One item: what it holds, and what it last queued."""

    row: int
    size: int
    oldest: bool
    trigger: int
    deadband: float
    mode: int
    queue: deque[list[float]] = field(default_factory=deque)  # value, status
    last: tuple[float, int, int] = (0.0, 0, 0)

    def sample(self, value: float, status: int, time: int) -> None:
        if self.mode == DISABLED:
            return
        old, old_status, old_time = self.last
        same = value == old or (math.isnan(value) and math.isnan(old))
        news = status != old_status
        if self.trigger >= 1 and not same:
            news = news or not abs(value - old) <= self.deadband
        if self.trigger == 2:
            news = news or time != old_time
        if news:
            self.put(value, status, time)

    def put(self, value: float, status: int, time: int) -> None:
        self.last = (value, status, time)
        full = len(self.queue) >= self.size
        if full and self.oldest:
            self.queue.popleft()
        elif full:
            self.queue.pop()
        self.queue.append([value, status])
        if full and self.size > 1:
            marked = self.queue[0 if self.oldest else -1]
            marked[1] = int(marked[1]) | OVERFLOW


def taken(queues: LiveQueues, most: int = 1000) -> dict[int, list[tuple[float, int]]]:
    """What is sent, by handle."""
    count, data = queues.take(most)
    buffer, found = Buffer(data), dict[int, list[tuple[float, int]]]()
    for _ in range(count):
        (handle,) = struct.unpack("<I", buffer.read(4))
        value = struct_from_binary(ua.DataValue, buffer)
        found.setdefault(handle, []).append((value.Value.Value, value.StatusCode.value))
    assert len(buffer) == 0
    return found


item = some.builds(
    lambda size, oldest, trigger, deadband, mode: (size, oldest, trigger, deadband, mode),
    some.integers(1, 4),
    some.booleans(),
    some.integers(0, 2),
    some.sampled_from((NO_DEADBAND, 0.0, 1.0)),
    some.sampled_from((REPORTING, REPORTING, SAMPLING, DISABLED)),
)
value = some.tuples(
    some.sampled_from((0.0, 0.5, 1.0, 3.0, math.nan)), some.sampled_from((0, 0, 0, UNCERTAIN))
)
step = some.one_of(
    some.tuples(some.just("commit"), some.dictionaries(some.sampled_from(ROWS), value, max_size=3)),
    some.tuples(some.just("take"), some.integers(1, 5)),
    some.tuples(some.just("mode"), some.tuples(some.integers(1, 5), some.integers(0, 2))),
    some.tuples(some.just("release"), some.integers(1, 5)),
    some.tuples(some.just("delete"), some.integers(1, 5)),
)


@settings(max_examples=300)
@given(some.lists(item, min_size=1, max_size=5), some.lists(step, max_size=25))
def test_queues_hold_what_the_model_does(items: list[tuple], story: list[tuple]) -> None:
    plant, models = Plant(), dict[int, Model]()
    queues = LiveQueues(plant.table)
    now = dict.fromkeys(ROWS, (0.0, 0))
    for number, (size, oldest, trigger, deadband, mode) in enumerate(items, 1):
        model = models[number] = Model(ROWS[number % 3], size, oldest, trigger, deadband, mode)
        live = LiveItem(model.row, number, 2, mode, deadband)
        queues.add(np.array([number], np.uint32), [live], [LiveTerms(trigger, size, oldest)])
        if mode != DISABLED:
            model.put(0.0, 0, 0)
    released = dict.fromkeys(models, 0)
    for time, (what, how) in enumerate(story, 1):
        if what == "commit":
            now |= how
            plant.commit(how, time)
            queues.sample()
            for number, model in models.items():
                before = len(model.queue), model.last
                model.sample(*now[model.row], time)
                dropped = before[1] != model.last and before[0] == model.size and model.oldest
                released[number] = max(released[number] - dropped, 0)
        elif what == "take":
            check_taken(queues, models, released, how)
        elif what == "mode":
            number, mode = how
            queues.set_modes(np.array([number], np.uint32), mode)
            if number in models:
                change_mode(models[number], mode, *now[models[number].row], plant_time(plant))
                released[number] = 0
        elif what == "release":
            queues.release(np.array([how], np.uint32))
            if how in models:
                released[how] = len(models[how].queue)
        else:
            assert queues.remove_all(np.array([how, how], np.uint32)).tolist() == [how in models, False]
            models.pop(how, None)
        sendable = sum(
            len(m.queue) if m.mode == REPORTING else min(released[n], len(m.queue)) for n, m in models.items()
        )
        assert queues.waiting() == sendable


def plant_time(plant: Plant) -> int:
    frame = plant.table.frame
    assert frame is not None
    return int(frame.time)


def change_mode(model: Model, mode: int, value: float, status: int, time: int) -> None:
    was, model.mode = model.mode, mode
    if mode == DISABLED:
        model.queue.clear()
    elif was == DISABLED:
        model.put(value, status, time)


def check_taken(queues: LiveQueues, models: dict[int, Model], released: dict[int, int], most: int) -> None:
    """Each item's notifications come in the order of its queue, none is lost, none comes twice."""
    found = taken(queues, most)
    for number, got in found.items():
        model = models[number]
        wanted = [tuple(model.queue.popleft()) for _ in got]
        assert repr(got) == repr(wanted)
        if model.mode != REPORTING:
            released[number] -= len(got)
            assert released[number] >= 0


@pytest.mark.parametrize(
    ("oldest", "kept"), [(True, [(3.0, OVERFLOW), (4.0, 0)]), (False, [(1.0, 0), (4.0, OVERFLOW)])]
)
def test_a_queue_that_gets_smaller_loses_as_one_that_overflows(
    oldest: bool, kept: list[tuple[float, int]]
) -> None:
    plant = Plant()
    queues = LiveQueues(plant.table)
    live = LiveItem(FIRST, 5, 2, REPORTING, due=False)
    queues.add(np.array([1], np.uint32), [live], [LiveTerms(1, 10, oldest)])
    for value in (1.0, 2.0, 3.0, 4.0):
        plant.commit({FIRST: (value, 0)}, int(value))
        queues.sample()
    queues.change(1, LiveItem(FIRST, 6, 2, REPORTING), LiveTerms(1, 2, oldest))
    assert taken(queues) == {6: kept}
    plant.commit({FIRST: (5.0, 0)}, 5)
    queues.sample()
    assert taken(queues) == {6: [(5.0, 0)]}


def test_an_item_that_was_another_kind_keeps_its_place_among_the_ids() -> None:
    plant = Plant()
    queues = LiveQueues(plant.table)
    for number in (7, 3, 5):
        live = LiveItem(FIRST, number * 10, 2, REPORTING)
        queues.add(np.array([number], np.uint32), [live], [LiveTerms(size=2)])
    assert queues.ids.tolist() == [3, 5, 7]
    assert taken(queues) == {30: [(0.0, 0)], 50: [(0.0, 0)], 70: [(0.0, 0)]}
    assert queues.row_of(5) == FIRST


def test_a_deadband_of_a_state_counts_its_codes() -> None:
    plant = Plant()
    row = INDEX.slice(AssetType.JAR, "HealthStatus").start
    queues = LiveQueues(plant.table)
    live = LiveItem(row, 1, 2, REPORTING, 1.0, due=False)
    queues.add(np.array([1], np.uint32), [live], [LiveTerms(size=5)])
    for code in (1.0, 2.0, 4.0):
        plant.commit({row: (code, 0)}, int(code))
        queues.sample()
    assert taken(queues) == {1: [(2, 0), (4, 0)]}
