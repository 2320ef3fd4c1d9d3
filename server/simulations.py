"""Simulations on a running server: started and stopped by clients, shown with each scan, gone without trace.

The plant's own scan goes on undisturbed whatever happens here: the shadow has an evaluation and alarms of
its own, and what fails in it ends the simulations. A stop shows the plant's last frame at once. Where scans
are far apart the shadow is brought up to now between them; the source is not read out of turn.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from nodeset.fleet import AssetType
from nodeset.frame import Frame, Readings
from server.scanning.evaluation import Evaluation
from server.scanning.prognosis import Prognosis
from server.scanning.shadowing import Shadowing
from server.scanning.stage import Stage
from simulator.scenarios import Scenario, ScenarioError
from simulator.shadow import Shadow

log = structlog.get_logger(__name__)

REFRESH: Final = 5.0  # s between two looks at the shadow, where scans are further apart


class SimulationFailed(ScenarioError):
    """The shadow failed, and all simulations with it."""


class Telling(Protocol):
    """Who is told that simulations begin and end."""

    def started(self, scenario: Scenario, user: str, time: int) -> None:
        """One was started."""

    def stopped(self, scenario: Scenario, user: str, time: int) -> None:
        """One was stopped by somebody."""

    def over(self, scenario: Scenario, reason: str, time: int) -> None:
        """One has ended without anybody's doing."""

    def failed(self, scenario: Scenario, time: int) -> None:
        """One could not go on."""


class Simulations:
    """The simulations of a fleet. Times are the plant's [µs]."""

    def __init__(
        self,
        shadow: Shadow,
        evaluation: Evaluation,
        stage: Stage,
        telling: Telling,
        period: float,
        now: Callable[[], int],
    ) -> None:
        self._shadow = shadow
        self._evaluation = evaluation
        self._stage = stage
        self._telling = telling
        self._pause = REFRESH if period > REFRESH else math.inf
        self._now = now
        self._shadowing: Shadowing | None = None
        self._touched = shadow.touched
        self._plant: tuple[Frame, Readings] | None = None  # of the last scan
        self._time = 0  # of the shadow's last step
        self._stepped = -math.inf  # monotonic [s]
        self.changed = now()  # when one was last started, adjusted or ended
        self.failures = 0
        # Whoever keeps in mind what runs, in case that the server does not live to end it.
        self.remember: Callable[[tuple[Scenario, ...]], None] = lambda _running: None

    def running(self) -> tuple[Scenario, ...]:
        """The simulations that run, oldest first."""
        return self._shadow.running()

    def find(self, simulation: str) -> Scenario | None:
        """A running simulation by its id."""
        return next((each for each in self.running() if each.id == simulation), None)

    def now(self) -> int:
        """The plant's time."""
        return self._now()

    def prognosis_of(self, jar: int) -> Prognosis:
        """The twin that says what is shown of a jar."""
        shadowing, plant = self._shadowing, self._plant
        if shadowing is None or plant is None:
            return self._evaluation.prognosis
        shown = plant[0].index.column(self._touched, AssetType.JAR, "StateOfHealth")[jar]
        return shadowing.prognosis if shown else self._evaluation.prognosis

    # -- what clients do; each raises `ScenarioError`

    def start(
        self, scenario: str, target: str, duration: float, parameters: dict[str, float], user: str
    ) -> Scenario:
        """Start a simulation for `duration` [s, 0 = until stopped], and show it."""
        assert self._plant is not None, "the first scan comes before the first client"
        now, frame = self._now(), self._plant[0]
        failures = self.failures
        new = self._shadow.start(scenario, target, duration, parameters, now, frame)
        if self._shadowing is None:
            self._shadowing = Shadowing(self._evaluation, frame)
        log.warning("simulation started", id=new.id, scenario=scenario, target=target, by=user)
        self._telling.started(new, user, now)
        self._news()
        self.refresh()
        if self.failures > failures:
            raise SimulationFailed(f"{scenario} on {target} failed at once; the log says why")
        return new

    def stop(self, simulation: str, user: str) -> Scenario:
        """Stop a simulation: its target is shown as the plant has it at once."""
        ended = self._shadow.stop(simulation)
        log.warning("simulation stopped", id=simulation, by=user)
        self._settle()
        self.refresh()
        self._telling.stopped(ended, user, self._now())
        self._news()
        return ended

    def adjust(self, simulation: str, parameters: dict[str, float], user: str) -> Scenario:
        """Change parameters of a running simulation."""
        found = self._shadow.adjust(simulation, parameters, self._now())
        log.warning("simulation adjusted", id=simulation, by=user, **parameters)
        self._news()
        self.refresh()
        return found

    def end_all(self, reason: str) -> None:
        """End every simulation, and show the plant."""
        ended = self._drop()
        for each in ended:
            log.warning("simulation ended", id=each.id, reason=reason)
            self._telling.over(each, reason, self._now())
        if ended:
            self.refresh()

    # -- with each scan

    def show(self, frame: Frame, readings: Readings) -> Frame:
        """What the live table shows of a scan of the plant: its frame itself while no simulation runs."""
        self._plant = frame, readings
        return self._step(frame.time) if self._shadow.active else frame

    def sweep(self) -> None:
        """Between scans: end what is over, and look at the shadow where the next scan is far off."""
        if not self._shadow.active:
            return
        now, late = self._now(), clock.monotonic() - self._stepped >= self._pause
        if late or any(s.until is not None and s.until <= now for s in self.running()):
            self.refresh()

    def refresh(self) -> None:
        """Show what there is to show now."""
        assert self._plant is not None
        self._stage.commit(self._step(self._now()) if self._shadow.active else self._plant[0])

    def _step(self, time: int) -> Frame:
        """What is to be shown; a shadow that fails ends, and leaves the plant's frame."""
        try:
            return self._simulate(time)
        except Exception:
            log.exception("simulations failed: all are ended")
            self.failures += 1
            self._give_up()
            assert self._plant is not None
            return self._plant[0]

    def _give_up(self) -> None:
        """End all after a failure; what fails even then is no reason for the plant's scan to fail."""
        try:
            for each in self._drop():
                self._telling.failed(each, self._now())
        except Exception:
            log.exception("the end of simulations cannot be told")

    def _simulate(self, time: int) -> Frame:
        assert self._plant is not None
        assert self._shadowing is not None
        frame, readings = self._plant
        # A scan whose readings took their time is not before what was shown meanwhile.
        self._time = time = max(time, self._time)
        self._stepped = clock.monotonic()
        simulated = self._shadow.step(readings, time)
        for each in self._shadow.ended():
            log.warning("simulation ended", id=each.id, reason="its duration is over")
            self._telling.over(each, "its duration is over", time)
            self._news()
        self._settle()
        if not self._shadow.active:
            return frame
        touched = self._touched
        made = self._shadowing.step(frame, simulated, touched, time)
        return self._stage.show(frame, made, touched)

    def _settle(self) -> None:
        """Take notice of what is simulated now."""
        if self._touched is self._shadow.touched:
            return
        self._touched = self._shadow.touched
        if not self._shadow.active:
            self._shadowing = None
        self._stage.touch(self._touched)

    def _drop(self) -> tuple[Scenario, ...]:
        ended = self._shadow.drop()
        self._settle()
        self._news()
        return ended

    def _news(self) -> None:
        self.changed = self._now()
        self.remember(self.running())
