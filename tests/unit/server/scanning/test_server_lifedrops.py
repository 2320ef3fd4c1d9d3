"""Falls of remaining life at once: which jar, for how long it is told, and what is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from server.scanning.lifedrops import put_drop

JAR, FLEET = AssetType.JAR, AssetType.FLEET
DAY = 86_400 * 1_000_000
START = 1_790_000_000 * 1_000_000


class Lives:
    """Scans in which the test says how long each jar has to live [d]."""

    def __init__(self, index: TagIndex) -> None:
        self.frame = first_frame(index, START)
        self.settled = np.ones(len(index.fleet.jars), np.bool_)

    def scan(self, days: float, *lives: float, status: int = st.GOOD) -> tuple[float, float, int]:
        """One scan at so many days; the drop, its jar and the status of the jar."""
        frame = self.frame.next(START + round(days * DAY))
        value = np.full(len(self.settled), 1000.0)
        value[: len(lives)] = lives
        frame.put(JAR, "RemainingUsefulLife", value, status)
        put_drop(self.frame, frame, self.settled)
        self.frame = frame
        return _told(frame)


def _told(frame: Frame) -> tuple[float, float, int]:
    drop, jar = (
        frame.column(FLEET, name)[0] for name in ("RemainingUsefulLifeDrop", "RemainingUsefulLifeDropJar")
    )
    return float(drop), float(jar), int(frame.column_status(FLEET, "RemainingUsefulLifeDropJar")[0])


@pytest.fixture
def lives(small_index: TagIndex) -> Lives:
    lives = Lives(small_index)
    lives.scan(0, 500, 400)
    return lives


def test_the_largest_fall_of_a_day_is_told_with_its_jar(lives: Lives) -> None:
    assert lives.scan(0.01, 500, 400)[2] == st.BAD_NO_DATA
    drop, jar, status = lives.scan(0.02, 480, 360)
    assert (drop, jar, status) == (pytest.approx(39.99), 1, st.GOOD)
    assert lives.scan(0.03, 470, 360)[:2] == (pytest.approx(39.99), 1)
    assert lives.scan(0.04, 420, 360)[:2] == (pytest.approx(49.99), 0)
    assert lives.scan(1.03, 419, 359)[1] == 0
    assert lives.scan(1.05, 419, 359)[0] == 0.0


def test_wear_is_no_fall_however_long_nobody_looked(lives: Lives) -> None:
    assert lives.scan(60, 440, 340)[0] == 0.0
    assert lives.scan(120, 340, 280)[:2] == (pytest.approx(40.0), 0)


def test_what_is_not_known_or_not_settled_is_no_fall(lives: Lives) -> None:
    assert lives.scan(0.01, 100, 100, status=st.BAD_WAITING_FOR_INITIAL_DATA)[0] == 0.0
    assert lives.scan(0.02, 90, 90)[0] == 0.0, "it was not known before"
    lives.settled[:] = False
    assert lives.scan(0.03, 10, 10)[0] == 0.0


def test_a_fall_is_still_told_after_a_restart(lives: Lives) -> None:
    lives.scan(0.02, 450, 400)
    status = np.full_like(lives.frame.status, st.UNCERTAIN_LAST_USABLE_VALUE)
    lives.frame = replace(lives.frame, status=status)
    drop, jar, status_of_jar = lives.scan(0.5, 449, 399)
    assert (drop, jar, status_of_jar) == (pytest.approx(49.98, abs=0.02), 0, st.GOOD)
