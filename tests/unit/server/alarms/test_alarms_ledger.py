"""The ledger of alarms: what was written before the end of a process is there after it, and nothing else."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import threading
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from alarmplant import HUMIDITY, START, TEMPERATURE, VOLTAGE, AlarmPlant
from numpy.typing import NDArray
from structlog.testing import capture_logs

from server.alarms.definition import AlarmDef, AlarmType
from server.alarms.events import ConditionEvent, condition_events
from server.alarms.ledger import Ledger
from server.alarms.ledgerrecords import Heading, Kind, Record, framed, frames
from server.alarms.recordevents import events_of
from server.alarms.recovery import Written, read, replay
from server.alarms.state import AlarmState, Transitions
from server.alarms.table import AlarmTable
from server.statefiles import write_arrays

SECOND = 1_000_000
SILENT = ("quality", "quality_time", "value", "since")
CONFIRMED = replace(TEMPERATURE, confirm=True, type=AlarmType.OFF_NORMAL)


class Journal:
    """Takes everything over as soon as it is told to."""

    offered = settled = 0


class Run:
    """One life of a server's alarms; `begin` is its start, and the end of the object is a kill."""

    def __init__(self, home: Path, *defs: AlarmDef, jars: int = 2) -> None:
        self.plant = AlarmPlant(*defs, jars=jars)
        self.table = self.plant.table
        self.ledger = Ledger(home / "alarms.ledger", self.table)
        self.journal = Journal()
        self.kept: list[ConditionEvent] = []
        self.told: list[bytes] = []
        self._older = home / "alarms.npz"

    async def begin(self) -> Run:
        untold = await self.ledger.begin(self._older)
        self.ledger.follow(self.journal)
        for written in untold:
            self.keep(events_of(written, 3))
        return self

    def keep(self, events: list[ConditionEvent]) -> None:
        for event in events:
            self.kept.append(event)
            self.journal.offered += 1
            self.ledger.told(event)

    def tell(self, transitions: Transitions) -> Transitions:
        self.ledger.record(transitions)
        events = condition_events(self.table, transitions, 3)
        self.told += [event.event_id for event in events]
        self.keep(events)
        return transitions

    def heat(self, second: float, value: float, asset: int | None = None) -> Transitions:
        self.plant.set(TEMPERATURE, value, asset=asset)
        return self.tell(self.plant.step(second))

    def acknowledge(self, row: int, second: float) -> Transitions:
        at = START + round(second * SECOND)
        return self.tell(self.table.acknowledge(row, self.plant.event_id(row), "seen ✓", "anna", at))


def same(one: AlarmState, other: AlarmState) -> bool:
    """All that was told; of what never told anything, also all but what a step changes in silence."""

    def equal(name: str, rows: NDArray[np.bool_]) -> bool:
        ours, theirs = getattr(one, name)[rows], getattr(other, name)[rows]
        return bool(np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"))

    told, everything = one.event > 0, np.ones(len(one.event), np.bool_)
    return all(equal(f.name, told if f.name in SILENT else everything) for f in fields(AlarmState))


def all_state(table: AlarmTable) -> tuple[AlarmState, AlarmState]:
    return table.state.copy(), table.branches.state.copy()


@pytest.fixture
async def run(tmp_path: Path) -> Run:
    return await Run(tmp_path, CONFIRMED, HUMIDITY).begin()


async def test_what_was_written_is_there_after_a_kill(tmp_path: Path, run: Run) -> None:
    run.heat(1, 40.0, 0)
    run.acknowledge(0, 2)
    run.heat(3, 20.0, 0)
    run.heat(4, 47.0, 0)  # again, before anybody has confirmed: a branch
    run.tell(run.table.timed_shelve(1, 60 * SECOND, "hot day", "bert", START + 5 * SECOND))
    run.tell(run.table.disable(2, "carla", START + 6 * SECOND))
    assert len(run.table.branches) == 1
    before = all_state(run.table)
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    for one, other in zip(before, all_state(later.table), strict=True):
        assert same(one, other)
    assert later.table.branches.rows.tolist() == [0]
    assert (later.table.state.comment[1], later.table.state.user[1]) == ("hot day", "bert")
    assert later.table.retained().rows.tolist() == run.table.retained().rows.tolist()


async def test_an_active_condition_is_not_news_after_a_restart(tmp_path: Path, run: Run) -> None:
    run.heat(1, 40.0)
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert len(later.heat(2, 40.0)) == 0
    assert len(later.heat(3, 20.0)) == 4  # cleared meanwhile: told once
    assert len(later.heat(4, 20.0)) == 0


async def test_what_was_told_before_can_be_acknowledged_and_no_number_comes_twice(
    tmp_path: Path, run: Run
) -> None:
    run.heat(1, 40.0)
    event_id = run.plant.event_id(1)
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    later.tell(later.table.acknowledge(1, event_id, None, "anna", START + 9 * SECOND))
    assert later.table.state.acked.tolist()[:4] == [False, True, False, False]
    assert not set(run.told) & set(later.told)


async def test_a_condition_that_was_to_be_shelved_until_then_is_unshelved_at_the_first_scan(
    tmp_path: Path, run: Run
) -> None:
    run.heat(1, 40.0)
    for row, duration in ((0, 10), (1, 100)):
        run.tell(run.table.timed_shelve(row, duration * SECOND, None, "anna", START + SECOND))
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert later.heat(50, 40.0).rows.tolist() == [0]
    assert later.table.state.shelved_until[1] == START + 101 * SECOND


async def test_events_that_the_journal_had_not_are_offered_again_as_they_were(
    tmp_path: Path, run: Run
) -> None:
    run.heat(1, 40.0)
    run.journal.settled = 3
    run.acknowledge(0, 2)
    await run.ledger.close()
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    # A record is offered as a whole: the journal knows the three.
    assert [repr(event) for event in later.kept] == [repr(event) for event in run.kept]
    later.journal.settled = 5
    await later.ledger.close()
    assert (await Run(tmp_path, CONFIRMED, HUMIDITY).begin()).kept == []


async def test_an_event_keeps_its_limits_and_its_definition_when_both_have_changed(
    tmp_path: Path, run: Run
) -> None:
    run.table.limits.signed[1, 2] = 38.5
    run.heat(1, 40.0, 1)
    colder = replace(CONFIRMED, limits=(*TEMPERATURE.limits[:2], 30.0, 45.0), message="Hot")
    later = await Run(tmp_path, HUMIDITY, colder).begin()
    assert [repr(event) for event in later.kept] == [repr(event) for event in run.kept]
    assert later.kept[0].limits.values[2] == 38.5
    assert later.table.state.active.tolist() == [False, False, False, True, False, False]


async def test_a_condition_that_is_no_more_tells_the_journal_what_it_told(tmp_path: Path, run: Run) -> None:
    run.heat(1, 40.0, 1)
    later = await Run(tmp_path, VOLTAGE, HUMIDITY).begin()
    assert [repr(event) for event in later.kept] == [repr(event) for event in run.kept]
    assert not later.table.state.active.any()
    await later.ledger.close()
    last = await Run(tmp_path, CONFIRMED).begin()  # it goes along until it is settled
    assert [event.event_id for event in last.kept] == run.told


async def test_a_fleet_that_has_grown_keeps_its_states(tmp_path: Path, run: Run) -> None:
    run.heat(1, 40.0, 3)
    path = run.table.index.identifier(3)
    later = await Run(tmp_path, CONFIRMED, HUMIDITY, jars=3).begin()
    assert [later.table.index.identifier(row) for row in later.table.of_interest()] == [path]


async def test_wherever_its_end_is_torn_what_is_before_counts(tmp_path: Path, run: Run) -> None:
    path, states, ends = tmp_path / "alarms.ledger", [all_state(run.table)], [run.ledger.bytes]
    for act in (
        lambda: run.heat(1, 40.0, 0),
        lambda: run.acknowledge(0, 2),
        lambda: run.tell(run.table.suppress(0, "known", "anna", START + 3 * SECOND)),
    ):
        act()
        states.append(all_state(run.table))
        ends.append(run.ledger.bytes)
    data = path.read_bytes()
    assert len(data) == ends[-1]
    for length in range(ends[0], len(data) + 1):
        written, end = read(data[:length])
        table = AlarmTable(run.plant.index, START)
        replay(table, written)
        whole = max(i for i, each in enumerate(ends) if each <= length)
        assert same(table.state, states[whole][0]), length
        assert (end, sum(each.kind is Kind.TOLD for each in written)) == (ends[whole], whole)


async def test_a_byte_that_is_wrong_ends_it_there(tmp_path: Path, run: Run) -> None:
    run.heat(1, 40.0, 0)
    path = tmp_path / "alarms.ledger"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with capture_logs() as logs:
        later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert not later.table.state.active.any()
    assert [log["log_level"] for log in logs] == ["warning"]


@pytest.mark.parametrize("data", [b"", b"nonsense" * 100, framed(Kind.HEADING, b"of another version")])
async def test_a_file_of_something_else_is_left_out(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "alarms.ledger").write_bytes(data)
    run = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert not run.table.state.active.any()
    run.heat(1, 40.0)
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert later.table.state.active.sum() == 4


async def test_states_of_an_older_voltkeep_are_taken_over_once(tmp_path: Path) -> None:
    older = Run(tmp_path, CONFIRMED, HUMIDITY)
    older.plant.set(TEMPERATURE, 40.0)
    older.plant.step(1)
    write_arrays(tmp_path / "alarms.npz", {k: v for k, v in older.table.save().items() if k != "shelved"})
    run = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert run.table.state.active.sum() == 4
    assert not (tmp_path / "alarms.npz").exists()
    run.heat(2, 20.0)
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert not later.table.state.active.any()


async def test_columns_of_another_version_are_as_in_a_first_state(run: Run) -> None:
    transitions = run.heat(1, 40.0, 0)
    record = Record.of(transitions, run.table.limits, 7)
    columns = {
        name: each for name, each in record.columns.items() if name not in ("shelved", "limits.signed")
    }
    old = Record(record.time, 7, record.rows, {**columns, "something": np.ones(1)})
    heading = Heading.of(run.table.index, b"1234", old)
    read = Heading.unpacked(heading.packed())
    assert repr(read) == repr(heading)
    again = read.unpack(read.pack(old))
    state = again.state(np.arange(1), run.table.state.take(np.array([0])))
    assert same(state, transitions.state)
    (event,) = events_of(Written(Kind.TOLD, read, again, b"", b""), 3)
    assert (event.state.shelved, event.limits.values[2]) == (0, 35.0)


async def test_it_stays_small_while_alarms_chatter(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.alarms.ledger.MOST", 10_000)
    task = asyncio.create_task(run.ledger.run())
    sizes = []
    for second in range(1, 300):
        run.heat(second, 40.0 if second % 2 else 20.0)
        run.journal.settled = run.journal.offered
        sizes.append(run.ledger.bytes)
        await asyncio.sleep(0.001)
    task.cancel()
    assert max(sizes) < 60_000
    assert sum(each < last for last, each in itertools.pairwise(sizes)) > 3
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert same(later.table.state, run.table.state)


async def test_a_full_disk_stops_nobody_and_is_said_once(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, room = os.write, [200]

    def write(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(file, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr("server.alarms.ledger.os.write", write)
    with capture_logs() as logs:
        run.heat(1, 40.0)
        run.acknowledge(0, 2)
        await run.ledger.compact()
    assert [log["log_level"] for log in logs] == ["error"]
    assert "No space left" in run.ledger.error
    room[0] = 1 << 30
    run.acknowledge(1, 3)
    (tmp_path / "then").mkdir()
    (tmp_path / "then" / "alarms.ledger").write_bytes((tmp_path / "alarms.ledger").read_bytes())
    with capture_logs() as logs:
        await run.ledger.compact()
    assert [log["event"] for log in logs] == ["alarms are kept again"]
    assert run.ledger.error == ""
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert same(later.table.state, run.table.state)
    assert [event.event_id for event in later.kept] == run.told
    then = await Run(tmp_path / "then", CONFIRMED, HUMIDITY).begin()
    assert np.flatnonzero(then.table.state.active).tolist() == [1]  # what had no room is not in the way


async def test_what_came_while_a_snapshot_was_written_is_in_the_new_file(tmp_path: Path, run: Run) -> None:
    compacting = asyncio.create_task(run.ledger.compact())
    await asyncio.sleep(0)
    run.heat(1, 40.0)
    await compacting
    kinds = [kind for kind, _, _ in frames((tmp_path / "alarms.ledger").read_bytes())]
    assert kinds == [Kind.HEADING, Kind.SNAPSHOT, Kind.TOLD]
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert same(later.table.state, run.table.state)


async def test_the_end_of_the_server_in_the_midst_of_a_snapshot_leaves_a_whole_file(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, real, begun = threading.Event(), os.fsync, threading.Event()

    def fsync(file: int) -> None:
        begun.set()
        slow.wait(5)
        real(file)

    monkeypatch.setattr("server.alarms.ledger.MOST", 0)
    monkeypatch.setattr("server.alarms.ledger.os.fsync", fsync)
    task = asyncio.create_task(run.ledger.run())
    run.heat(1, 40.0)
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    closing = asyncio.create_task(run.ledger.close())
    await asyncio.sleep(0)
    run.heat(2, 47.0)
    slow.set()
    await closing
    kinds = [kind for kind, _, _ in frames((tmp_path / "alarms.ledger").read_bytes())]
    assert kinds == [Kind.HEADING, Kind.TOLD, Kind.TOLD, Kind.SNAPSHOT]
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert same(later.table.state, run.table.state)


async def test_what_nobody_is_told_of_is_kept_and_not_told_later(tmp_path: Path, run: Run) -> None:
    run.plant.set(TEMPERATURE, 40.0)
    run.ledger.note(run.plant.step(1))
    later = await Run(tmp_path, CONFIRMED, HUMIDITY).begin()
    assert later.table.state.active.sum() == 4
    assert later.kept == []
