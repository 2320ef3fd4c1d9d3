"""The analytics' part of a scan: readings of the frame in, estimates by twin and learnt model as tags out.

The twin takes every scan in; a model speaks now and then (`Verdict`), and what it said last counts down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics import estimate, whatif
from analytics.estimate import Estimates, Factor, JarReadings, Parameters, State
from analytics.fusion import LASTS
from analytics.learnt import Learnt
from analytics.parameters import SECONDS_PER_DAY
from analytics.rul import Life
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.tags import Confidence, Review
from server.scanning.told import CapacityFound, Renewal, Told

JAR, SYSTEM = AssetType.JAR, AssetType.SYSTEM
SETTLED: Final = 20  # readings of a jar's resistance after which one more changes its life little
MODEL_VERSION: Final = "twin-1"
_MICROSECONDS: Final = 1_000_000
_DAY: Final = 86_400 * _MICROSECONDS
FRESH: Final = 1.0  # d that what a model said is good: it is asked every hour


@dataclass(frozen=True)
class Verdict:
    """What a learnt model of a `version` said of the fleet when it was `issued` [µs]."""

    version: str
    issued: int
    learnt: Learnt

    def without(self, jars: NDArray[np.bool_]) -> Verdict:
        """The same with nothing said of some jars."""
        days = np.where(jars, np.nan, self.learnt.days)
        return replace(self, learnt=replace(self.learnt, days=days))


class Prognosis:
    """The twin of the fleet, the last verdict of a model, and what they say of every jar together."""

    def __init__(self, parameters: Parameters, time: int) -> None:
        self._parameters = parameters
        self.state: State = estimate.first_state(parameters, estimate.ages_days(parameters, time))
        self.time: int | None = None
        # Jars whose state has come from another twin since the last step.
        self._replaced: NDArray[np.bool_] = np.zeros(parameters.jars, np.bool_)
        self.steady: NDArray[np.bool_] = self._replaced
        # What is known of the learnt model: its error [%] and the number of its drift; NaN where nothing is.
        self.model_error, self.model_drift = np.nan, np.nan
        self.verdict: Verdict | None = None
        # Of the last step: the model, and the jars that it had a share in; None before the first.
        self._version = ""
        self._heard: NDArray[np.bool_] | None = None
        self._renewals = Told[Renewal](parameters.jars)
        self._tests = Told[CapacityFound](parameters.jars)
        # When [µs] the state of each jar began anew: what a model said before was of another jar.
        self._begun = np.zeros(parameters.jars, np.int64)
        self.weight: NDArray[np.float64] = np.zeros(parameters.jars)  # the model's share in each jar's days

    @property
    def jars(self) -> int:
        """How many jars the fleet has."""
        return self._parameters.jars

    def hear(self, verdict: Verdict | None) -> None:
        """Take up what a model says from the next scan on; with None the twin is alone."""
        self.verdict = verdict

    def renew(self, renewals: Iterable[Renewal]) -> None:
        """Jars are replaced: each begins anew with the first scan after its time."""
        self._renewals.tell(renewals)
        self._parameters = self._with(self._renewals.past())

    def learn(self, tests: Iterable[CapacityFound]) -> None:
        """Take the results of capacity tests, with the first scan after each."""
        self._tests.tell(tests)

    def step(self, frame: Frame) -> None:
        """Advance the twin by the time since the last scan and set its tags.

        Jars that are `steady` afterwards, shape (jars,), have estimates that can be compared with the last
        ones: the same twin's, which has seen enough for them to stand still, and the same model's.
        """
        dt = 0.0 if self.time is None else max(0.0, (frame.time - self.time) / _MICROSECONDS)
        self.time = frame.time
        self._feel(frame.time, dt)
        readings = _readings(frame)
        self.steady = (self.state.ageing.resistance_readings >= SETTLED) & ~self._replaced
        self._replaced = np.zeros_like(self._replaced)
        self.state, found = estimate.step(self.state, self._parameters, readings, frame.time, dt)
        found = self._put_verdict(frame, found)
        # What rests on a voltage that was not seen this scan is the twin's guess.
        seen = np.where(found.observed, st.GOOD, st.UNCERTAIN_LAST_USABLE_VALUE).astype(np.uint32)
        never = frame.column_status(JAR, "Voltage") == st.BAD_WAITING_FOR_INITIAL_DATA
        seen[never] = st.BAD_WAITING_FOR_INITIAL_DATA
        for name, values in (
            ("StateOfCharge", found.soc),
            ("StateOfHealth", found.soh),
            ("RemainingUsefulLife", found.rul),
            ("RemainingUsefulLifeLower", found.rul_lower),
            ("RemainingUsefulLifeUpper", found.rul_upper),
            ("RulConfidence", found.confidence),
            ("RulTwinDays", found.twin_days),
            ("ReplacementQuarter", found.quarter),
            ("HealthStatus", found.health),
            ("TwinVoltageResidual", found.voltage_residual),
        ):
            frame.put(JAR, name, values, seen)
        for name, value in (("ModelError", self.model_error), ("ModelDrift", self.model_drift)):
            frame.put(AssetType.FLEET, name, value, st.BAD_NOT_CONNECTED if np.isnan(value) else st.GOOD)
        self._put_runtime(frame)

    def _put_verdict(self, frame: Frame, found: Estimates) -> Estimates:
        """What twin and model say together; notes whose share has begun or ended since the last step."""
        verdict = self.verdict
        if verdict is None:
            # No learnt model speaks: the variable has no source (Part 8, 6.4.3.2).
            frame.put(JAR, "RulMlDays", np.nan, st.BAD_NOT_CONNECTED)
            frame.put(JAR, "RulReview", Review.NOT_NEEDED)
            self._compare("", np.zeros(self.jars))
            return found
        age = (frame.time - verdict.issued) / _DAY
        gone = self._begun > verdict.issued
        verdict = verdict.without(gone) if gone.any() else verdict
        both, fused = estimate.fused(found, self._parameters, verdict.learnt, age, frame.time)
        days = np.maximum(verdict.learnt.days - max(age, 0.0), 0.0)
        status = (
            st.GOOD if age <= FRESH else st.UNCERTAIN_LAST_USABLE_VALUE if age <= LASTS else st.BAD_NO_DATA
        )
        known = np.where(np.isnan(days), st.BAD_NO_DATA, status).astype(np.uint32)
        frame.put(JAR, "RulMlDays", days, known)
        frame.put(JAR, "RulReview", np.where(fused.conflict, Review.REQUIRED, Review.NOT_NEEDED))
        self._compare(verdict.version, fused.weight)
        return both

    def _compare(self, version: str, weight: NDArray[np.float64]) -> None:
        """Jars of which another than at the last step has a say are not steady."""
        heard = weight > 0
        if self._heard is not None:
            same = heard == self._heard
            self.steady = self.steady & (same if version == self._version else same & ~heard)
        self._version, self._heard, self.weight = version, heard, weight

    def _feel(self, time: int, dt: float) -> None:
        """Feel what was told of jars up to `time` [µs], before a step of `dt` [s] that leads there."""
        renewals = self._renewals.take(time)
        if renewals:
            self._parameters = self._with(renewals)
            jars = np.zeros(self._parameters.jars, np.bool_)
            jars[[each.jar for each in renewals]] = True
            ages = estimate.ages_days(self._parameters, time) - dt / SECONDS_PER_DAY
            self.state = estimate.renewed(self.state, self._parameters, jars, ages)
            self._replaced = self._replaced | jars
            self._begun = np.where(jars, time, self._begun)
        for test in self._tests.take(time):
            if test.time > self._renewals.felt[test.jar]:  # else it was of a jar that is gone
                self.state = estimate.tested(self.state, self._parameters, test.jar, test.capacity)
                self._replaced = self._replaced | (np.arange(self._parameters.jars) == test.jar)

    def _with(self, renewals: Sequence[Renewal]) -> Parameters:
        """The parameters with jars that came by renewals."""
        if not renewals:
            return self._parameters
        installed, baseline = self._parameters.installed.copy(), self._parameters.baseline.copy()
        for each in renewals:
            installed[each.jar] = each.time / (SECONDS_PER_DAY * _MICROSECONDS)
            baseline[each.jar] = each.baseline
        return replace(self._parameters, installed=installed, baseline=baseline)

    def _put_runtime(self, frame: Frame) -> None:
        status = frame.column_status(SYSTEM, "Load").copy()
        load = np.where(st.is_bad(status), np.nan, frame.column(SYSTEM, "Load"))
        minutes = estimate.runtime(self.state, self._parameters, load)
        frame.put(SYSTEM, "RuntimeRemaining", minutes, status)

    def explain(self, jar: int) -> tuple[Factor, ...]:
        """What shortened the life of a jar most."""
        return estimate.explain(self.state, self._parameters, jar)

    def explain_all(self) -> list[tuple[Factor, ...]]:
        """The same of every jar: six times as much work as a step has with remaining life."""
        return estimate.explain_all(self.state, self._parameters)

    def service_lives(self) -> NDArray[np.float64]:
        """Mean life [d] of a new jar in each place, as warm as it is there; shape (jars,)."""
        return self._parameters.life / np.maximum(self.state.ageing.factor, 0.1)

    def what_if(self, jar: int, kelvin: float) -> tuple[Life, Life]:
        """What the twin says of a jar as things are, and if it were `kelvin` warmer from now on."""
        parameters, state = self._parameters.pick(jar), self.state.ageing.pick(jar)
        return whatif.twin_life(parameters, state, 0.0), whatif.twin_life(parameters, state, kelvin)

    def fork(self) -> Prognosis:
        """A prognosis of its own in the same state, which is never changed in place.

        It has the twin alone: what a model said, it said of the plant's own readings.
        """
        own = copy(self)
        own.hear(None)
        own._renewals, own._tests = self._renewals.fork(), self._tests.fork()
        return own

    def adopt(self, other: Prognosis, jars: NDArray[np.bool_]) -> None:
        """Take the state of some jars from another prognosis of the fleet."""
        self.state = self.state.mixed(other.state, jars)
        self._parameters = other._parameters
        self._renewals, self._tests = other._renewals.fork(), other._tests.fork()
        self._replaced = self._replaced | jars

    def save(self) -> dict[str, NDArray[np.generic]]:
        """The twin's state as arrays, for a file that outlives the process."""
        told = {"renewed": self._renewals.felt, "tested": self._tests.felt}
        return {"time": np.array(self.time or 0, np.int64), **told, **self.state.as_arrays()}

    def restore(self, saved: dict[str, NDArray[np.generic]]) -> bool:
        """Take up what `save` gave; False when it is of another fleet."""
        arrays = {name: array.astype(np.float64) for name, array in saved.items() if "." in name}
        try:
            self.state = State.from_arrays(arrays, self._parameters.jars)
        except estimate.StateMismatchError:
            return False
        if self.time is not None:
            self._replaced = np.ones_like(self._replaced)
        self.time = int(saved.get("time", np.array(0))) or None
        nothing = np.zeros(self._parameters.jars)  # is what the state of an older version has felt
        self._renewals.resume(saved.get("renewed", nothing).astype(np.int64))
        self._tests.resume(saved.get("tested", nothing).astype(np.int64))
        self._parameters = self._with(self._renewals.past())
        return True


def confidence_name(code: float) -> str:
    """High, Medium or Low."""
    return Confidence(int(code)).name.capitalize()


def _readings(frame: Frame) -> JarReadings:
    values, usable = {}, {}
    for name in ("Voltage", "Temperature", "InternalResistance", "Current"):
        values[name] = frame.column(JAR, name)
        usable[name] = st.is_good(frame.column_status(JAR, name))
    return JarReadings(
        values["Voltage"],
        values["Temperature"],
        values["InternalResistance"],
        values["Current"],
        usable["Voltage"],
        usable["Temperature"],
        usable["InternalResistance"],
        usable["Current"],
    )
