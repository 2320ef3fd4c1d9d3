"""The shipped conditions on a small simulated plant, scan by scan as the server evaluates it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from analytics.estimate import Parameters
from config.alarmfile import open_alarm_file
from config.settings import Settings
from nodeset.frame import first_frame
from nodeset.index import TagIndex
from nodeset.tags import STATES_OF
from server.alarms.definition import ConditionIndex, alarm_defs
from server.alarms.state import Change
from server.alarms.table import AlarmTable
from server.scanning.arrivals import STANDING
from server.scanning.evaluation import Evaluation
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality, Staleness
from simulator.plant import Plant
from simulator.shadow import Shadow

SECOND = 1_000_000  # µs
_ACTIVATED = np.uint32(Change.ACTIVATED | Change.LEVEL)


class ShippedAlarms:
    """A plant whose scenarios are taken for the plant itself, and what its conditions tell."""

    def __init__(self, index: TagIndex, start: int, seed: int = 1) -> None:
        self.plant = Plant(index, seed, start)
        self.time = start
        self._shadow = Shadow(index, self.plant, seed)
        definitions = alarm_defs(open_alarm_file(Settings().alarms, STATES_OF)[0])
        self.table = AlarmTable(ConditionIndex(index.fleet, definitions), start)
        prognosis = Prognosis(Parameters.of(index.fleet), start)
        staleness = Staleness(3, 300 * SECOND, STANDING)
        self._evaluation = Evaluation(Quality(index, staleness), prognosis)
        self.frame = first_frame(index, start).freeze()
        self.told: Counter[tuple[str, str, int]] = Counter()  # source, name and severity of what was raised
        self.hidden: set[tuple[str, str]] = set()  # of these, what was suppressed when it was raised

    def begin(self, scenario: str, target: str, **parameters: float) -> str:
        """Start a scenario on the plant; gives its id."""
        return self._shadow.start(scenario, target, 0.0, parameters, self.time).id

    def end(self, scenario: str) -> None:
        """End it: the plant is what it was."""
        self._shadow.stop(scenario)

    def run(self, seconds: float, period: float) -> None:
        """Scan for so long, every `period` [s]."""
        for _ in range(round(seconds / period)):
            self._scan(round(period * SECOND))

    def _scan(self, step: int) -> None:
        self.time += step
        self.plant.advance(self.time)
        readings = self._shadow.step(self.plant.readings(), self.time)
        frame = self._evaluation.step(self.frame, readings, self.time)
        transitions = self.table.step(frame)
        self.frame = frame.freeze()
        for row, change, i in zip(transitions.rows, transitions.change, range(len(transitions)), strict=True):
            if change & _ACTIVATED:
                path, _, name = self.table.index.identifier(int(row)).partition("#")
                self.told[path, name, int(transitions.state.severity[i])] += 1
                if transitions.state.suppressed[i]:
                    self.hidden.add((path, name))

    def raised(self) -> Mapping[str, int]:
        """The highest severity of each condition that was raised, by its name."""
        found: dict[str, int] = {}
        for _, name, severity in self.told:
            found[name] = max(found.get(name, 0), severity)
        return found

    def active(self) -> set[str]:
        """Names of the conditions that are active now."""
        identifier = self.table.index.identifier
        rows = np.flatnonzero(self.table.state.active).tolist()
        return {identifier(row).partition("#")[2] for row in rows}
