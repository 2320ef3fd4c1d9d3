"""Learnt models in the server: when they are asked, what becomes of what they say, and when they cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from fakemodels import AGE, FACTOR, FakeModel
from structlog.testing import capture_logs

from analytics.features import FEATURES
from analytics.learnt import Learnt
from analytics.parameters import Parameters
from analytics.similar import similar
from nodeset.index import TagIndex
from server.learning.forecast import forecast_of
from server.learning.learning import HOUR, SOON, Learning
from server.learning.process import ProcessError, WorkerProcess
from server.learning.serving import Forecasts, Place
from server.learning.status import ModelStatus
from server.scanning.prognosis import Prognosis

START = 1_790_000_000_000_000
PLACE = Place(Path("fleet.yaml"), "")


class Process:
    """The other process: it answers at once, or fails."""

    ready, error, deaths, memory = True, "", 0, 0

    def __init__(self, jars: int) -> None:
        self.starts = 1
        self.asked: list[tuple[Any, ...]] = []
        self.fails = ""
        self.model: FakeModel | None = FakeModel()
        self.known = np.zeros((jars, len(FEATURES)), np.float32)
        self.known[:, AGE], self.known[:, FACTOR] = 1_000.0, 1.0

    async def ask(self, name: str, *arguments: Any, limit: float) -> Any:
        self.asked.append((name, *arguments))
        if self.fails:
            raise ProcessError(self.fails)
        answers: dict[str, Callable[..., Any]] = {
            "predict": self.predict,
            "keep": lambda: len(self.known),
            "use": lambda *_paths: None,
            "what_if": self.what_if,
        }
        return answers[name](*arguments)

    def predict(self, time: int) -> Forecasts:
        if self.model is None:
            return Forecasts(None, None)
        said, added = self.model.predict(self.known), self.model.contributions(self.known)
        found = similar(self.model.cases, self.known)
        version, cases = self.model.version, self.model.cases
        return Forecasts(forecast_of(version, time, 123.0, said, added, cases, found), None)

    def what_if(self, jar: int, kelvin: float, load: float, time: int) -> tuple[Learnt, Learnt]:
        now, then = self.known[jar : jar + 1].copy(), self.known[jar : jar + 1].copy()
        then[:, FACTOR] *= 2
        return FakeModel().predict(now), FakeModel().predict(then)


class Rig:
    """Learnt models of a small fleet; its clock stands until it is told to go on."""

    def __init__(self, index: TagIndex, home: Path) -> None:
        self.time = START
        self.index, self.home = index, home
        self.prognosis = Prognosis(Parameters.of(index.fleet), START)
        self.process = Process(len(index.fleet.jars))
        self.status = ModelStatus()
        self.learning = Learning(
            cast(WorkerProcess, self.process), PLACE, self.prognosis, lambda: self.time, home, self.status
        )

    async def look(self) -> int:
        """What the job does now and then."""
        (job,) = self.learning.jobs()
        return await job.run()

    def predictions(self) -> int:
        return [name for name, *_ in self.process.asked].count("predict")


@pytest.fixture
async def rig(small_index: TagIndex, tmp_path: Path) -> Rig:
    rig = Rig(small_index, tmp_path)
    await rig.learning.use(tmp_path / "model.zip")
    return rig


async def test_without_a_model_nobody_is_asked(small_index: TagIndex, tmp_path: Path) -> None:
    rig = Rig(small_index, tmp_path)
    assert await rig.look() == 0
    assert rig.process.asked == []
    assert rig.learning.state()["status"] == "ok"


async def test_what_a_model_says_goes_to_the_twins_next_scan_and_into_the_historian(rig: Rig) -> None:
    assert await rig.look() == len(rig.index.fleet.jars)
    verdict = rig.prognosis.verdict
    assert verdict is not None
    assert (verdict.version, verdict.issued) == ("fake-1", START)
    assert verdict.learnt.days.tolist() == [2_000.0] * len(rig.index.fleet.jars)
    assert rig.process.asked[-1] == ("keep",)
    assert rig.status.predicted == START


async def test_it_is_asked_once_an_hour_of_the_plant(rig: Rig) -> None:
    await rig.look()
    await rig.look()
    rig.time += HOUR - 1
    await rig.look()
    assert rig.predictions() == 1
    rig.time += 1
    await rig.look()
    assert rig.predictions() == 2
    rig.time -= 10 * HOUR  # a clock that is put back
    await rig.look()
    assert rig.predictions() == 3


async def test_while_the_historian_knows_too_little_it_is_asked_more_often(rig: Rig) -> None:
    rig.process.known[: len(rig.process.known) // 2 + 1] = np.nan
    await rig.look()
    rig.time += SOON
    rig.process.known[:] = 1.0
    await rig.look()
    rig.time += SOON
    await rig.look()
    assert rig.predictions() == 2


async def test_while_the_model_is_not_sure_of_most_jars_it_is_asked_more_often(rig: Rig) -> None:
    rig.process.model = FakeModel(confidence=0.4)
    await rig.look()
    rig.time += SOON
    await rig.look()
    assert rig.predictions() == 2


async def test_a_new_model_and_a_new_process_are_asked_at_once(rig: Rig, tmp_path: Path) -> None:
    await rig.look()
    await rig.learning.use(tmp_path / "other.zip")
    await rig.look()
    assert rig.predictions() == 2
    rig.process.starts += 1  # the process has died, and has to get to know the fleet again
    await rig.look()
    assert rig.predictions() == 3


async def test_what_was_said_is_there_after_a_restart(rig: Rig) -> None:
    await rig.look()
    again = Rig(rig.index, rig.home)
    again.learning.restore()
    assert again.prognosis.verdict is not None
    assert again.prognosis.verdict.issued == START
    assert again.learning.forecast is not None
    assert again.learning.forecast.reasons(0)
    assert again.process.asked == []


async def test_a_failure_leaves_what_was_said_and_is_told(rig: Rig) -> None:
    await rig.look()
    rig.process.fails = "the database is away"
    rig.time += HOUR
    with pytest.raises(ProcessError, match="the database is away"):
        await rig.look()
    assert rig.prognosis.verdict is not None
    state = rig.learning.state()
    assert (state["status"], state["failures"], state["last_error"]) == ("failed", 1, "the database is away")
    rig.process.fails = ""
    await rig.look()
    assert rig.learning.state()["status"] == "ok"


async def test_without_a_model_any_more_the_twin_is_alone(rig: Rig) -> None:
    await rig.look()
    await rig.learning.use(None)
    assert rig.prognosis.verdict is None
    again = Rig(rig.index, rig.home)
    again.learning.restore()
    assert again.prognosis.verdict is None


async def test_a_model_that_cannot_be_used_changes_nothing(rig: Rig, tmp_path: Path) -> None:
    await rig.look()
    rig.process.fails = "no model of Voltkeep"
    with pytest.raises(ProcessError):
        await rig.learning.use(tmp_path / "broken.zip")
    rig.process.fails = ""
    await rig.look()
    assert rig.predictions() == 1
    assert rig.prognosis.verdict is not None


async def test_what_if_is_answered_by_both(rig: Rig) -> None:
    await rig.look()
    rig.prognosis.weight = np.full(len(rig.index.fleet.jars), 0.4)
    answer = await rig.learning.what_if(0, 10.0, 1.0)
    alone = rig.prognosis.what_if(0, 10.0)
    assert answer.model_version == "twin-1+fake-1"
    assert float(answer.present.days[0]) == pytest.approx(0.6 * float(alone[0].days[0]) + 0.4 * 2_000)
    assert float(answer.changed.days[0]) == pytest.approx(0.6 * float(alone[1].days[0]) + 0.4 * 1_000)


async def test_what_if_is_answered_by_the_twin_where_the_model_is_away(rig: Rig) -> None:
    await rig.look()
    rig.prognosis.weight = np.full(len(rig.index.fleet.jars), 0.4)
    rig.process.fails = "the process has ended"
    with capture_logs():
        answer = await rig.learning.what_if(0, 10.0, 1.0)
    assert answer.model_version == "twin-1"
    shorter = 1 - float(answer.changed.days[0]) / float(answer.present.days[0])
    assert 0.4 < shorter < 0.5  # R5
