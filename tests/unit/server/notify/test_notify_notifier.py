"""From the events of an alarm table to what is to be sent, over restarts and floods."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from alarmplant import START as PLANT_START
from alarmplant import TEMPERATURE, AlarmPlant
from notices import LOWEST, START, ZONE, notify_file

from server.alarms.events import ConditionEvent, condition_events
from server.alarms.state import Transitions
from server.alarms.table import AlarmTable
from server.notify import intake
from server.notify.delivery import Delivery
from server.notify.intake import notice_of
from server.notify.notifier import Notifier

HOOK = "webhook hook"
NEVER_WAITS = {"gather": 0}


@dataclass
class Bench:
    """A plant whose conditions are told to a notifier, which sends nothing by itself."""

    path: Path
    rules: list[dict[str, Any]] = field(default_factory=list)
    plant: AlarmPlant = field(default_factory=lambda: AlarmPlant(TEMPERATURE))
    now: float = START
    notifier: Notifier = field(init=False)

    def __post_init__(self) -> None:
        self._notify()

    def _notify(self) -> None:
        file = notify_file(*self.rules, **NEVER_WAITS)
        self.notifier = Notifier(file, "Small", ZONE, LOWEST, self.path, self.retained, lambda: self.now)

    def retained(self) -> list[ConditionEvent]:
        """What all conditions of interest say now."""
        return condition_events(self.plant.table, self.plant.table.retained(), 2)

    def tell(self, transitions: Transitions, table: AlarmTable | None = None) -> None:
        """Tell what changed."""
        for event in condition_events(table or self.plant.table, transitions, 2):
            self.notifier.tell(event)

    def heat(self, value: float, asset: int = 0, seconds: float = 1.0) -> Transitions:
        """Give a jar a temperature in the next scan."""
        self.plant.set(TEMPERATURE, value, asset=asset)
        return self.plant.step(seconds)

    async def restart(self) -> None:
        """As after a kill: nothing was closed."""
        self._notify()
        await self.notifier.open()

    def waiting(self) -> list[dict[str, Any]]:
        """What is to be sent to the webhook."""
        due = self.notifier.store.outbox.due(HOOK, self.now + 10**6, 1000)
        return [json.loads(delivery.content) for delivery in sorted(due, key=_number)]


def _number(delivery: Delivery) -> int:
    return delivery.number


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    """A notifier that has begun."""
    made = Bench(tmp_path)
    await made.notifier.open()
    return made


async def test_an_activation_waits_in_the_outbox_with_its_event_id(bench: Bench) -> None:
    bench.tell(bench.heat(50.0))
    await bench.notifier.step()
    (sent,) = bench.waiting()
    (alarm,) = sent["alarms"]
    assert alarm["condition"] == "A/UPS-1/S01/J01#TemperatureHigh"
    assert bytes.fromhex(alarm["event_id"]) == bench.plant.event_id(0)
    assert (sent["severity"], sent["priority"]) == (800, "critical")
    assert sent["text"].count("50.00 °C") == 1


async def test_what_no_rule_is_about_is_not_even_looked_at(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [{"where": ["B"]}])
    bench.tell(bench.heat(50.0))
    assert bench.notifier.intake.take(10) == []
    bench.tell(bench.heat(50.0, asset=2, seconds=2))
    assert len(bench.notifier.intake.take(10)) == 1


async def test_a_kill_between_event_and_outbox_loses_nothing(bench: Bench) -> None:
    bench.tell(bench.heat(50.0))  # nobody looked at it
    await bench.restart()
    await bench.notifier.step()
    assert [sent["type"] for sent in bench.waiting()] == ["alarm"]


async def test_a_restart_tells_nothing_again_and_knows_what_ended(bench: Bench) -> None:
    bench.tell(bench.heat(50.0))
    await bench.notifier.step()
    await bench.restart()
    await bench.notifier.step()
    assert [sent["type"] for sent in bench.waiting()] == ["alarm"]
    bench.heat(20.0, seconds=60)  # and nobody is told
    await bench.restart()
    await bench.notifier.step()
    assert [sent["type"] for sent in bench.waiting()] == ["alarm", "all_clear"]
    await bench.restart()
    await bench.notifier.step()
    assert len(bench.waiting()) == 2


async def test_what_stands_when_notification_is_switched_on_is_told_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.heat(50.0)
    await bench.notifier.open()
    await bench.notifier.step()
    assert len(bench.waiting()) == 1


async def test_more_than_it_can_take_is_made_up_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_MOST", 2)
    for asset in range(4):
        bench.tell(bench.heat(50.0, asset=asset, seconds=asset + 1))
    assert bench.notifier.intake.lost == 2
    await bench.notifier.step()
    told = {alarm["source"] for sent in bench.waiting() for alarm in sent["alarms"]}
    assert len(told) == 4


@pytest.mark.parametrize(
    "hide",
    [
        lambda table, row: table.one_shot_shelve(row, None, "somchai", PLANT_START),
        lambda table, row: table.suppress(row, None, "somchai", PLANT_START),
        lambda table, row: table.remove_from_service(row, None, "somchai", PLANT_START),
    ],
)
async def test_what_operators_hide_is_quiet(
    bench: Bench, hide: Callable[[AlarmTable, int], Transitions]
) -> None:
    bench.heat(50.0)
    assert [notice_of(event).quiet for event in bench.retained()] == [False]
    bench.tell(hide(bench.plant.table, 0))
    await bench.notifier.step()
    assert [notice_of(event).quiet for event in bench.retained()] == [True]
    assert bench.waiting() == []


async def test_an_earlier_activation_is_not_taken_for_the_condition(bench: Bench) -> None:
    bench.tell(bench.heat(50.0, seconds=1))
    bench.tell(bench.heat(20.0, seconds=2))
    bench.tell(bench.heat(50.0, seconds=3))
    assert any(event.state.branch for event in bench.retained())
    await bench.notifier.step()
    (sent,) = bench.waiting()
    assert (sent["count"], sent["active"]) == (1, 1)


async def test_simulated_conditions_do_not_move_the_mark(bench: Bench) -> None:
    fork = bench.plant.table.fork()
    bench.plant.set(TEMPERATURE, 50.0, asset=0)
    bench.tell(fork.step(bench.plant.frame), fork)
    await bench.notifier.step()
    bench.tell(bench.heat(50.0, seconds=5))
    await bench.restart()
    await bench.notifier.step()
    assert len(bench.waiting()) == 1


async def test_it_goes_on_after_a_fault(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.notify import notifier

    monkeypatch.setattr(notifier, "_AFTER_A_FAULT", 0.0)
    attempts = []

    async def fails_once() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("a fault")

    await bench.notifier._in_spite_of(fails_once)
    assert (len(attempts), bench.notifier.failures) == (2, 1)


async def test_a_test_message_goes_to_everybody_in_a_group(bench: Bench) -> None:
    assert await bench.notifier.test("duty") == 1
    assert [sent["type"] for sent in bench.waiting()] == ["test"]
    with pytest.raises(KeyError):
        await bench.notifier.test("nobody")
