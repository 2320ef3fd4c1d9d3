"""Log-in attempts: some are free, then each failure doubles the wait; others are not made to wait."""

from __future__ import annotations

from hmi.throttle import FORGET_AFTER, FREE_ATTEMPTS, LONGEST_WAIT, MAX_KEYS, Throttle

ALICE = ("user alice", "address 10.0.0.1")


def test_first_attempts_are_free() -> None:
    throttle = Throttle()
    for i in range(FREE_ATTEMPTS - 1):
        throttle.fail(ALICE, float(i))
    assert throttle.wait(ALICE, 3.0) == 0


def test_waits_double() -> None:
    throttle = Throttle()
    for _ in range(FREE_ATTEMPTS):
        throttle.fail(ALICE, 0.0)
    waits = [throttle.wait(ALICE, 0.0)]
    for _ in range(2):
        throttle.fail(ALICE, 0.0)
        waits.append(throttle.wait(ALICE, 0.0))
    assert waits == [2, 4, 8]


def test_wait_runs_down_with_time() -> None:
    throttle = Throttle()
    for _ in range(FREE_ATTEMPTS):
        throttle.fail(ALICE, 0.0)
    assert throttle.wait(ALICE, 1.5) == 0.5
    assert throttle.wait(ALICE, 2.0) == 0


def test_wait_has_an_end() -> None:
    throttle = Throttle()
    for _ in range(60):
        throttle.fail(ALICE, 0.0)
    assert throttle.wait(ALICE, 0.0) == LONGEST_WAIT


def test_same_address_waits_under_another_name() -> None:
    throttle = Throttle()
    for _ in range(FREE_ATTEMPTS):
        throttle.fail(ALICE, 0.0)
    assert throttle.wait(("user bob", "address 10.0.0.1"), 0.0) > 0
    assert throttle.wait(("user bob", "address 10.0.0.2"), 0.0) == 0


def test_success_frees_the_name_but_not_the_address() -> None:
    throttle = Throttle()
    for _ in range(FREE_ATTEMPTS):
        throttle.fail(ALICE, 0.0)
    throttle.succeed("user alice")
    assert throttle.wait(("user alice", "address 10.0.0.2"), 0.0) == 0
    assert throttle.wait(("user bob", "address 10.0.0.1"), 0.0) > 0


def test_old_failures_are_forgotten() -> None:
    throttle = Throttle()
    for _ in range(FREE_ATTEMPTS):
        throttle.fail(ALICE, 0.0)
    throttle.fail(ALICE, FORGET_AFTER + 1)
    assert throttle.wait(ALICE, FORGET_AFTER + 1) == 0


def test_memory_is_bounded() -> None:
    throttle = Throttle()
    for i in range(MAX_KEYS + 100):
        throttle.fail((f"user {i}",), 0.0)
    assert len(throttle._failures) <= MAX_KEYS
