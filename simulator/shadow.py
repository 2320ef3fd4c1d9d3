"""The shadow: scenarios run on copies of the plant, never on the plant (S5, S6).

Readings come in as the source read them and go out with the measured rows of the targets replaced by what
the monitors in a copy read; all other rows stay as they are. Targets that lie within each other share a
copy, so that their effects add up; targets apart have copies of their own and cannot influence each other,
not even through the current of a common string. A copy that nobody needs is dropped, and with it goes
every trace: the plant has gone on undisturbed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from nodeset.fleet import AssetType
from nodeset.frame import Frame, Readings
from nodeset.index import TagIndex
from nodeset.tags import Origin
from simulator.alignment import align
from simulator.branch import Branch
from simulator.effects import Effects, Flags, no_effects, parts, rows_of
from simulator.plant import Plant
from simulator.scenariokinds import KINDS, ScenarioKind
from simulator.scenarios import Scenario, ScenarioError, Scenarios, Values

__all__ = ["Scenario", "ScenarioError", "Shadow"]


class Shadow:
    """The scenarios of a fleet and the copies of its plant in which they take effect.

    `plant` is the simulated plant, or None where real devices are read: then a copy is a plant of the same
    fleet and seed that begins with what the frame given to `start` shows, as far as alignment.py can.
    """

    def __init__(
        self, index: TagIndex, plant: Plant | None, seed: int, kinds: Mapping[str, ScenarioKind] = KINDS
    ) -> None:
        self._index, self._plant, self._seed = index, plant, seed
        self._book = Scenarios(index.fleet, kinds)
        self._branches: dict[str, Branch] = {}
        self._model: Plant | None = None  # of a plant that is real, made when it is first needed
        self._ended: list[Scenario] = []
        self.touched: Flags = np.zeros(index.size, np.bool_)

    @property
    def active(self) -> bool:
        """Whether a scenario runs."""
        return bool(self._branches)

    @property
    def kinds(self) -> Mapping[str, ScenarioKind]:
        """The kinds of scenario that can be started, by name."""
        return self._book.kinds

    def start(
        self,
        scenario: str,
        target: str,
        duration: float,
        parameters: Values,
        time: int,
        frame: Frame | None = None,
    ) -> Scenario:
        """Start a scenario at `time` [µs] for `duration` [s, 0 = until stopped], or raise `ScenarioError`.

        `frame` is the last of the real plant; it is needed where there is no simulated one.
        """
        new = self._book.start(scenario, target, duration, parameters, time)
        try:
            if not any(_within(target, root) for root in self._branches):
                self._branch(target, time, frame)
        except Exception:
            self._book.stop(new.id)
            raise
        self._mark()
        return new

    def stop(self, simulation: str) -> Scenario:
        """End a scenario: rows that no other covers are the plant's again at the next step."""
        ended = self._book.stop(simulation)
        self._prune()
        return ended

    def drop(self) -> tuple[Scenario, ...]:
        """End all scenarios, whatever state the copies are in; gives those that ran."""
        ended = self._book.running()
        for scenario in ended:
            self._book.stop(scenario.id)
        self._branches = {}
        self._mark()
        return ended

    def adjust(self, simulation: str, parameters: Values, time: int) -> Scenario:
        """Change parameters of a running scenario as from `time` [µs]."""
        return self._book.adjust(simulation, parameters, time)

    def running(self) -> tuple[Scenario, ...]:
        """The scenarios that run, oldest first."""
        return self._book.running()

    def ended(self) -> tuple[Scenario, ...]:
        """The scenarios that came to their end by themselves since this was last asked."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def step(self, readings: Readings, time: int) -> Readings:
        """Readings of a scan at `time` [µs] as the scenarios make them."""
        if not self._branches:
            return readings
        for root, branch in self._branches.items():
            branch.follow(readings)
            branch.advance([s for s in self._book.running() if _within(s.target, root)], time)
        for over in self._book.over(time):
            self._ended.append(self._book.stop(over.id))
        self._prune()
        return _merged(readings, self._branches.values())

    # Copies

    def _branch(self, target: str, time: int, frame: Frame | None) -> None:
        """A copy for `target`, which takes over those of targets below it."""
        branch = Branch(*self._copy(time, frame), target)
        for root in [root for root in self._branches if _within(root, target)]:
            branch.absorb(self._branches.pop(root))
        self._branches[target] = branch

    def _copy(self, time: int, frame: Frame | None) -> tuple[Plant, Effects]:
        """A plant, and what it feels without scenarios."""
        if self._plant is not None:
            return self._plant.fork(), no_effects(self._index)
        if self._model is None:
            self._model = Plant(self._index, self._seed, time)
        self._model.advance(time)
        copy = self._model.fork()
        return copy, no_effects(self._index) if frame is None else align(copy, frame)

    def _prune(self) -> None:
        """Drop copies that no scenario needs, and narrow those whose widest target has ended."""
        targets = {s.target for s in self._book.running()}
        roots = {t for t in targets if not any(t != other and _within(t, other) for other in targets)}
        if roots == self._branches.keys():
            return
        self._branches = {root: self._narrowed(root) for root in roots}
        self._mark()

    def _narrowed(self, root: str) -> Branch:
        found = next(branch for old, branch in self._branches.items() if _within(root, old))
        return found if found.target == root else found.split(root)

    def _mark(self) -> None:
        self.touched = np.zeros(self._index.size, np.bool_)
        for root in self._branches:
            self.touched |= touched_by(self._index, root)


def touched_by(index: TagIndex, target: str) -> Flags:
    """Rows that a scenario on `target` can change: all of the assets at or below it, and what is calculated
    of the assets above, whose sums and counts hold theirs."""
    rows = rows_of(index, parts(index.fleet, target))
    names = target.split("/")
    above = ["/".join(names[:n]) for n in range(1, len(names))] + [AssetType.FLEET.value]
    for path in above:
        asset, i = index.fleet.index_of[path]
        for tag in index.tags:
            if tag.asset is asset and tag.origin is Origin.CALCULATED:
                rows[index.slice(asset, tag.name).start + i] = True
    return rows


def _within(path: str, other: str) -> bool:
    """Whether an asset is another or a part of it."""
    return path == other or path.startswith(f"{other}/")


def _merged(readings: Readings, branches: Iterable[Branch]) -> Readings:
    """Readings whose rows of the branches are theirs, or missing where these read none."""
    found = [branch.readings() for branch in branches]
    if not found:
        return readings
    covered = np.logical_or.reduce([branch.rows for branch in branches])
    kept = ~covered[readings.rows]
    sources = [
        Readings(readings.rows[kept], readings.value[kept], readings.status[kept], readings.time[kept])
    ]
    sources += found
    return Readings(
        np.concatenate([r.rows for r in sources]),
        np.concatenate([r.value for r in sources]),
        np.concatenate([r.status for r in sources]),
        np.concatenate([r.time for r in sources]),
    )
