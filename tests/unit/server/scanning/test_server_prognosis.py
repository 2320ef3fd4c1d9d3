"""Which of the twin's estimates can be compared with those of the scan before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judgedscans import JAR, SECOND, START, two_strings

from analytics.learnt import Learnt
from nodeset import status as st
from nodeset.frame import first_frame
from nodeset.tags import Confidence, Review
from server.scanning.prognosis import SETTLED, Parameters, Prognosis, Verdict
from server.scanning.told import CapacityFound, Renewal

DAY = 86_400 * SECOND


class Twin:
    """A prognosis of healthy jars on float, a minute a scan."""

    def __init__(self, resistance: float) -> None:
        self.index = two_strings()
        self.prognosis = Prognosis(Parameters.of(self.index.fleet), START)
        self.frame = first_frame(self.index, START)
        self.resistance = resistance

    def scan(self, count: int = 1) -> None:
        for _ in range(count):
            self.frame = self.frame.next(self.frame.time + 60 * SECOND)
            values = (("Voltage", 13.65), ("Temperature", 25.0), ("Current", -0.1))
            for name, value in (*values, ("InternalResistance", self.resistance)):
                self.frame.put(JAR, name, value, st.GOOD)
            self.prognosis.step(self.frame)


def test_estimates_stand_still_when_the_twin_has_seen_enough() -> None:
    twin = Twin(4.0)
    twin.scan(int(SETTLED))
    assert not twin.prognosis.steady.any()
    twin.scan()
    assert twin.prognosis.steady.all()


def test_what_the_twin_of_the_past_says_is_not_compared_with_what_was_said_before() -> None:
    twin, past = Twin(4.0), Twin(6.0)
    twin.scan(30)
    past.scan(30)
    assert twin.prognosis.restore(past.prognosis.save())
    twin.scan()
    assert not twin.prognosis.steady.any()
    twin.scan()
    assert twin.prognosis.steady.all()


def test_jars_whose_state_is_adopted_are_not_compared_once() -> None:
    twin, other = Twin(4.0), Twin(6.0)
    twin.scan(30)
    other.scan(30)
    jars = np.zeros(len(twin.index.fleet.jars), np.bool_)
    jars[1] = True
    twin.prognosis.adopt(other.prognosis, jars)
    twin.scan()
    assert (twin.prognosis.steady == ~jars).all()


def test_a_twin_that_goes_on_after_a_restart_is_compared() -> None:
    before, after = Twin(4.0), Twin(4.0)
    before.scan(30)
    assert after.prognosis.restore(before.prognosis.save())
    after.frame = before.frame
    after.scan()
    assert after.prognosis.steady.all()


def says(twin: Twin, days: float, version: str = "rul-1", confidence: float = 1.0) -> Verdict:
    """What a model says of all jars at the time of the twin's last scan."""
    every = np.ones(len(twin.index.fleet.jars))
    return Verdict(
        version,
        twin.frame.time,
        Learnt(days * every, 0.5 * days * every, 2 * days * every, confidence * every),
    )


def shown(twin: Twin, name: str) -> float:
    return float(twin.frame.column(JAR, name)[0])


def test_without_a_model_the_twin_is_alone() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    assert shown(twin, "RemainingUsefulLife") == shown(twin, "RulTwinDays")
    assert (twin.frame.column_status(JAR, "RulMlDays") == st.BAD_NOT_CONNECTED).all()
    assert shown(twin, "RulReview") == Review.NOT_NEEDED


def test_twin_and_model_speak_together() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    alone, quarter = shown(twin, "RulTwinDays"), shown(twin, "ReplacementQuarter")
    twin.prognosis.hear(says(twin, 0.8 * alone))
    twin.scan()
    assert shown(twin, "RulTwinDays") == pytest.approx(alone, abs=1)
    assert shown(twin, "RulMlDays") == pytest.approx(0.8 * alone, abs=1)
    assert shown(twin, "RemainingUsefulLife") == pytest.approx(0.92 * alone, abs=1)
    assert shown(twin, "RulReview") == Review.NOT_NEEDED
    assert st.is_good(twin.frame.column_status(JAR, "RulMlDays")).all()
    twin.prognosis.hear(says(twin, 0.72 * alone))
    twin.scan()
    assert shown(twin, "ReplacementQuarter") <= quarter


def test_a_conflict_asks_for_a_person_and_is_of_low_confidence() -> None:
    twin = Twin(4.0)
    twin.scan(200)
    assert shown(twin, "RulConfidence") > Confidence.LOW
    twin.prognosis.hear(says(twin, 0.5 * shown(twin, "RulTwinDays")))
    twin.scan()
    assert shown(twin, "RulReview") == Review.REQUIRED
    assert shown(twin, "RulConfidence") == Confidence.LOW


def test_what_a_model_said_counts_down_grows_old_and_is_not_heard_any_more() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    twin.prognosis.hear(says(twin, 1000.0))
    for days, status in (
        (1.0, st.GOOD),
        (2.0, st.UNCERTAIN_LAST_USABLE_VALUE),
        (7.0, st.UNCERTAIN_LAST_USABLE_VALUE),
        (7.1, st.BAD_NO_DATA),
    ):
        twin.frame = replace(twin.frame, time=twin.frame.time + round(days * DAY) - 60 * SECOND)
        issued = twin.prognosis.verdict
        assert issued is not None
        twin.prognosis.hear(replace(issued, issued=twin.frame.time + 60 * SECOND - round(days * DAY)))
        twin.scan()
        assert shown(twin, "RulMlDays") == pytest.approx(1000 - days)
        assert (twin.frame.column_status(JAR, "RulMlDays") == status).all()
    assert shown(twin, "RemainingUsefulLife") == shown(twin, "RulTwinDays")


def test_jars_of_which_nothing_is_said_any_more_are_the_twins_alone() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    jars = np.zeros(len(twin.index.fleet.jars), np.bool_)
    jars[0] = True
    twin.prognosis.hear(says(twin, 0.8 * shown(twin, "RulTwinDays")).without(jars))
    twin.scan()
    assert (twin.frame.column_status(JAR, "RulMlDays") == np.where(jars, st.BAD_NO_DATA, st.GOOD)).all()
    alone = twin.frame.column(JAR, "RemainingUsefulLife") == twin.frame.column(JAR, "RulTwinDays")
    assert (alone == jars).all()


def test_a_model_that_begins_changes_or_ends_is_no_fall_of_life() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    assert twin.prognosis.steady.all()
    for verdict in (says(twin, 900.0), says(twin, 800.0, "rul-2"), None):
        twin.prognosis.hear(verdict)
        twin.scan()
        assert not twin.prognosis.steady.any()
        twin.scan()
        assert twin.prognosis.steady.all()


def test_the_next_verdict_of_the_same_model_is_compared() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    twin.prognosis.hear(says(twin, 900.0))
    twin.scan(2)
    twin.prognosis.hear(says(twin, 700.0))
    twin.scan()
    assert twin.prognosis.steady.all()
    twin.prognosis.hear(says(twin, 700.0, confidence=0.2))  # from now on it has no share
    twin.scan()
    assert not twin.prognosis.steady.any()


def test_what_a_model_said_of_the_plant_is_not_said_of_simulated_jars() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    twin.prognosis.hear(says(twin, 0.5 * shown(twin, "RulTwinDays")))
    twin.scan(2)
    twin.prognosis = twin.prognosis.fork()
    twin.scan()
    assert shown(twin, "RemainingUsefulLife") == shown(twin, "RulTwinDays")
    assert shown(twin, "RulReview") == Review.NOT_NEEDED
    assert not twin.prognosis.steady.any()


ONE, OTHERS = 1, [0, 2]


def test_a_replaced_jar_begins_anew_with_the_first_scan_after_its_time() -> None:
    twin = Twin(5.0)
    twin.scan(30)
    old = twin.prognosis.state.ageing
    twin.resistance = 3.9
    twin.prognosis.renew([Renewal(ONE, twin.frame.time + 90 * SECOND, 3.9)])
    twin.scan()
    assert twin.prognosis.state.ageing.age[ONE] > old.age[ONE]  # not yet
    twin.scan()
    now = twin.prognosis.state.ageing
    assert now.age[ONE] * 86_400 == pytest.approx(30, abs=0.01)
    assert now.resistance[ONE] == pytest.approx(3.9, abs=0.1)
    assert (now.age[OTHERS] > old.age[OTHERS]).all()
    assert (now.resistance[OTHERS] > 4.5).all()
    assert not twin.prognosis.steady[ONE]
    assert twin.prognosis.steady[OTHERS].all()
    health = twin.frame.column(JAR, "StateOfHealth")
    assert health[ONE] == pytest.approx(100.0, abs=1.0)  # 3.9 is its own baseline
    life = twin.frame.column(JAR, "RemainingUsefulLife")
    assert (life[ONE] > life[OTHERS]).all()


def test_a_replacement_is_felt_once_and_again_by_a_state_that_has_not() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    stale = twin.prognosis.save()
    renewal = Renewal(ONE, twin.frame.time - DAY, 4.2)
    twin.prognosis.renew([renewal])
    twin.scan(10)
    readings = twin.prognosis.state.ageing.resistance_readings[ONE]
    assert readings == 10
    fresh = twin.prognosis.save()
    for saved, expected in ((fresh, 11), (stale, 1)):
        after = Twin(4.0)
        after.frame = twin.frame
        assert after.prognosis.restore(saved)
        after.prognosis.renew([renewal])
        after.scan()
        assert after.prognosis.state.ageing.resistance_readings[ONE] == expected
        minutes = after.prognosis.state.ageing.age[ONE] * 1440
        assert minutes == pytest.approx(1440 + 11, abs=1.01)
        # Its resistance of 4.0 mΩ is compared with 4.2, not with the baseline of the first jar.
        assert after.frame.column(JAR, "StateOfHealth")[ONE] > 100.0


def test_several_jars_of_a_place_one_after_the_other() -> None:
    """As the twin of the past is told all of them at once."""
    twin = Twin(4.0)
    twin.prognosis.renew([Renewal(ONE, START + day * DAY, 4.0 + day / 10) for day in (-3, -1, 1)])
    twin.scan()
    assert twin.prognosis.state.ageing.age[ONE] == pytest.approx(1.0, abs=0.01)
    twin.frame = twin.frame.next(START + 2 * DAY)
    twin.scan()
    assert twin.prognosis.state.ageing.age[ONE] == pytest.approx(1.0, abs=0.01)


def test_a_capacity_test_is_learnt_from_unless_the_jar_is_gone() -> None:
    twin = Twin(3.4)
    twin.scan(30)
    capacity = 0.8 * twin.index.fleet.jars[0].model.capacity
    tests = [CapacityFound(jar, twin.frame.time - SECOND, capacity) for jar in (0, ONE)]
    twin.prognosis.renew([Renewal(ONE, twin.frame.time, 3.4)])
    twin.prognosis.learn(tests)
    twin.scan()
    health = twin.frame.column(JAR, "StateOfHealth")
    assert health[0] == pytest.approx(80.0, abs=6.0)
    assert health[ONE] == pytest.approx(100.0, abs=2.0)
    once = twin.prognosis.state.ageing.correction_variance[0]
    twin.scan()
    assert twin.prognosis.state.ageing.correction_variance[0] >= once  # not again


def test_a_model_says_nothing_of_a_jar_that_it_has_not_seen() -> None:
    twin = Twin(4.0)
    twin.scan(30)
    n = len(twin.index.fleet.jars)
    learnt = Learnt(np.full(n, 900.0), np.full(n, 700.0), np.full(n, 1100.0), np.full(n, 0.9))
    twin.prognosis.hear(Verdict("m1", twin.frame.time, learnt))
    twin.prognosis.renew([Renewal(ONE, twin.frame.time - DAY, 4.0)])
    twin.scan()
    days = twin.frame.column(JAR, "RulMlDays")
    assert np.isnan(days[ONE])
    assert np.isfinite(days[OTHERS]).all()
    twin.prognosis.hear(Verdict("m1", twin.frame.time, learnt))
    twin.scan()
    assert np.isfinite(twin.frame.column(JAR, "RulMlDays")[ONE])
