"""Pauses between attempts to reach a lost gateway."""

from __future__ import annotations

from drivers.backoff import Backoff


def test_pauses_double_up_to_the_longest_and_are_jittered_by_a_half() -> None:
    backoff = Backoff(first=1.0, longest=30.0)
    for attempt, whole in ((0, 1.0), (1, 2.0), (4, 16.0), (5, 30.0), (5_000, 30.0)):
        pauses = [backoff.pause(attempt) for _ in range(200)]
        assert whole / 2 <= min(pauses) < max(pauses) <= whole
        assert max(pauses) - min(pauses) > whole / 4
