"""Guesses lock out the address they come from, slow down a name, and are forgotten."""

from __future__ import annotations

import pytest

from server.security.lockout import (
    FORGET_AFTER,
    FREE_FAILURES,
    MAX_DELAY,
    MAX_KEYS,
    Lockout,
    address_of,
)

HERE, THERE = "10.0.0.1", "10.0.0.2"


def test_one_address_is_locked_and_no_other() -> None:
    lockout = Lockout(3, 60)
    locks = [lockout.begin("ann", HERE, now) for now in (0.0, 1.0, 2.0)]
    assert locks == [False, False, True]
    assert lockout.locked("ann", HERE, 61.9)
    assert not lockout.locked("ann", THERE, 3)
    assert not lockout.locked("bob", HERE, 3)


def test_after_a_lock_out_there_is_one_attempt_at_a_time() -> None:
    lockout = Lockout(3, 60)
    for _ in range(3):
        lockout.begin("ann", HERE, 0)
    assert not lockout.locked("ann", HERE, 60)
    assert lockout.begin("ann", HERE, 60)
    assert lockout.locked("ann", HERE, 61)
    assert not lockout.locked("ann", HERE, 60 + FORGET_AFTER)
    assert not lockout.begin("ann", HERE, 60 + FORGET_AFTER)


def test_a_success_starts_anew() -> None:
    lockout = Lockout(3, 60)
    lockout.begin("ann", HERE, 0)
    lockout.begin("ann", HERE, 0)
    lockout.succeed("ann", HERE, 0)
    assert not lockout.begin("ann", HERE, 0)


def test_a_name_guessed_at_from_everywhere_is_slowed_down_not_locked() -> None:
    lockout = Lockout(3, 60)
    lockout.begin("ann", HERE, 0)
    lockout.succeed("ann", HERE, 0)
    for i in range(FREE_FAILURES):
        lockout.begin("ann", f"10.0.1.{i}", 0)
    assert lockout.delay("ann", THERE, 0) == 0
    for i in range(10 * FREE_FAILURES):
        lockout.begin("ann", f"10.0.2.{i}", 0)
    assert lockout.delay("ann", THERE, 0) == MAX_DELAY
    assert not lockout.locked("ann", THERE, 0)
    assert lockout.delay("ann", HERE, 0) == 0  # where ann has logged in before
    assert lockout.delay("bob", THERE, 0) == 0
    assert lockout.delay("ann", THERE, 3600) == 0


def test_an_administrator_unlocks() -> None:
    lockout = Lockout(1, 60)
    lockout.begin("ann", HERE, 0)
    lockout.begin("bob", HERE, 0)
    lockout.unlock("ann")
    assert not lockout.locked("ann", HERE, 0)
    assert lockout.locked("bob", HERE, 0)


def test_memory_is_bounded() -> None:
    lockout = Lockout()
    for i in range(MAX_KEYS + 100):
        lockout.begin(f"{i}" + "x" * 10_000, HERE, 0)
        lockout.succeed(f"{i}", HERE, 0)
    for kept in (lockout._pairs, lockout._names, lockout._known):
        assert len(kept) <= MAX_KEYS
        assert len(next(iter(kept))[0]) <= 64


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("10.0.0.1:50000", "10.0.0.1"),
        ("::1:50000", "::/64"),
        ("2001:db8:1:2:3:4:5:6:50000", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1:50000", "10.0.0.1"),
        ("fe80::1%eth0:50000", "fe80::/64"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_addresses(peer: str, address: str) -> None:
    assert address_of(peer) == address
