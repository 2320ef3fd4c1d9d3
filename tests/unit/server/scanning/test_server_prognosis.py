"""Which of the twin's estimates can be compared with those of the scan before."""

from __future__ import annotations

import numpy as np
from judgedscans import JAR, SECOND, START, two_strings

from nodeset import status as st
from nodeset.frame import first_frame
from server.scanning.prognosis import SETTLED, Parameters, Prognosis


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
