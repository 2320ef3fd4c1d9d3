"""Failed log-ins slow down."""

from __future__ import annotations

from server.security.slowdown import FORGET, FREE, LONGEST, MOST, SlowDown


def test_each_failure_costs_more_than_the_one_before_up_to_a_limit() -> None:
    slow = SlowDown(lambda: 0.0)
    waits = [slow.failed("a") for _ in range(60)]
    assert waits[:FREE] == [0.0] * FREE
    assert waits[FREE] > 0
    assert waits == sorted(waits)
    assert max(waits) == LONGEST
    assert slow.failed("b") == 0.0


def test_success_and_time_forgive() -> None:
    now = [0.0]
    slow = SlowDown(lambda: now[0])
    for _ in range(9):
        slow.failed("a")
        slow.failed("b")
    slow.succeeded("a")
    assert slow.failed("a") == 0.0
    now[0] = FORGET + 1
    assert slow.failed("b") == 0.0


def test_many_clients_take_bounded_memory_and_the_last_ones_count() -> None:
    slow = SlowDown(lambda: 0.0)
    for number in range(MOST + 100):
        slow.failed(f"client {number}")
    assert len(slow._failures) == MOST
    for _ in range(FREE):
        slow.failed(f"client {MOST + 99}")
    assert slow.failed(f"client {MOST + 99}") > 0
