"""A learnt model in a running server: variables, table, PredictRul; its process dies and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import fakemodels
import numpy as np
import psycopg
import pytest
from opcuaserver import OpcUaTestServer, serve

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.tags import Review
from server.learning import process
from server.learning.learning import Learning

JAR = AssetType.JAR
FIRST = "Bangrak/UPS-1/S01/J01"
_MODEL = (
    "INSERT INTO model (version, kind, created, trained_from, trained_to, data_hash, metrics, state) "
    "VALUES ('fake-1', 'rul', now(), now(), now(), '', '{}', 'Candidate')"
)
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture(scope="module")
def until() -> Until:
    """As the one of all tests, with time for a process to start, politely, on a busy machine."""

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not condition():  # noqa: ASYNC110 - nobody announces it
                await asyncio.sleep(0.05)

    return until


@pytest.fixture(scope="module")
def database(postgres: str) -> str:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE learning")
    return psycopg.conninfo.make_conninfo(postgres, dbname="learning")


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Nobody waits long for the process, which is one with a fake model."""
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(Path(fakemodels.__file__).parent), os.getcwd(), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setattr("server.app.MODULE", "fakemodels")
        patch.setattr("server.learning.learning.START", 0.0)
        patch.setattr("server.learning.learning.FIRST", 0.1)
        patch.setattr("server.learning.learning.LOOK", 0.2)
        patch.setattr(process, "FIRST_PAUSE", 0.1)
        yield


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def learned(database: str, quick: None, home: Path) -> Iterator[OpcUaTestServer]:
    """A server whose fleet a model of 3,000 days of life has predicted."""
    running, end = serve(home, database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_MODEL)
    use(running, fakemodels.artefact(home / "model.zip"))
    yield running
    end()


def use(server: OpcUaTestServer, artefact: Path) -> None:
    asyncio.run_coroutine_threadsafe(learning(server).use(artefact), server.loop).result(30)


def learning(server: OpcUaTestServer) -> Learning:
    return server.app._learning


def shown(server: OpcUaTestServer, name: str) -> np.ndarray:
    frame = server.app._opcua._table.frame
    assert frame is not None
    return np.where(st.is_bad(frame.column_status(JAR, name)), np.nan, frame.column(JAR, name))


@pytest.fixture
async def predicted(learned: OpcUaTestServer, until: Until) -> OpcUaTestServer:
    await until(lambda: bool(np.isfinite(shown(learned, "RulMlDays")).all()))
    return learned


async def test_what_is_shown_lies_between_twin_and_model(predicted: OpcUaTestServer) -> None:
    model, twin = shown(predicted, "RulMlDays"), shown(predicted, "RulTwinDays")
    both = shown(predicted, "RemainingUsefulLife")
    assert ((both >= np.minimum(model, twin) - 0.1) & (both <= np.maximum(model, twin) + 0.1)).all()
    assert (np.abs(both - (0.6 * twin + 0.4 * model)) < 1).all()
    apart = np.abs(model - twin) > 0.3 * twin
    assert ((shown(predicted, "RulReview") == Review.REQUIRED) == apart).all()
    assert (shown(predicted, "RulConfidence")[apart] == 0).all()


async def test_clients_read_what_the_model_says(predicted: OpcUaTestServer) -> None:
    async with predicted.client() as client:
        node = client.get_node(predicted.node_id(f"{FIRST}.RulMlDays"))
        assert await node.read_value() == pytest.approx(shown(predicted, "RulMlDays")[0], abs=1)
        review = client.get_node(predicted.node_id(f"{FIRST}.RulReview"))
        assert await review.read_value() in (0, 1)


async def test_predict_rul_names_the_model_and_what_it_rests_on(predicted: OpcUaTestServer) -> None:
    async with predicted.client() as client:
        owner = client.get_node(predicted.node_id("Analytics"))
        days, lower, upper, _, factors, shares, version = await owner.call_method(
            predicted.node_id("Analytics.PredictRul"), FIRST
        )
    assert lower <= days <= upper
    assert version == "twin-1+fake-1"
    assert factors[0] == "Age since installation"
    assert sum(shares) == pytest.approx(1)


async def test_each_prediction_is_in_the_historian(
    predicted: OpcUaTestServer, database: str, until: Until
) -> None:
    def rows() -> list[tuple[str, int, float, float, str, list[list[object]]]]:
        with psycopg.connect(database) as connection:
            return connection.execute(
                "SELECT path, horizon, value, upper, confidence, factors FROM prediction "
                "JOIN asset ON asset.id = asset_id WHERE model_version = 'fake-1' ORDER BY path"
            ).fetchall()

    await until(lambda: len(rows()) == 16)
    path, horizon, value, upper, confidence, factors = rows()[0]
    assert (path, horizon, confidence) == (FIRST, 0, "High")
    assert value == pytest.approx(shown(predicted, "RulMlDays")[0], abs=1)
    assert upper == pytest.approx(1.5 * value)
    assert factors[0][0] == "Age since installation"


async def test_a_simulated_jar_has_the_prognosis_of_the_simulation(predicted: OpcUaTestServer) -> None:
    simulations = predicted.app._opcua.simulations
    started = predicted.inside(lambda: simulations.start("AcceleratedAgeing", FIRST, 0.0, {"Ramp": 0}, "kim"))
    try:
        async with predicted.client() as client:
            owner = client.get_node(predicted.node_id("Analytics"))
            *_, version = await owner.call_method(predicted.node_id("Analytics.PredictRul"), FIRST)
        assert version == "twin-1 (simulated)"
        assert np.isnan(shown(predicted, "RulMlDays")[0])
        assert shown(predicted, "RulReview")[0] == Review.NOT_NEEDED
    finally:
        predicted.inside(lambda: simulations.stop(started.id, "kim"))
    assert np.isfinite(shown(predicted, "RulMlDays")[0])


async def test_health_and_metrics_tell_of_it(predicted: OpcUaTestServer) -> None:
    state = learning(predicted).state()
    assert (state["status"], state["model"], state["failures"]) == ("ok", "fake-1", 0)
    assert state["memory_mb"] > 10
    told = {metric.name: metric.samples[0].value for metric in learning(predicted).metrics()}
    assert told["voltkeep_prediction_process_up"] == 1
    assert 0 <= told["voltkeep_prediction_age_seconds"] < 600


async def test_a_process_that_is_killed_comes_back_and_values_stay(
    predicted: OpcUaTestServer, until: Until
) -> None:
    here = learning(predicted)
    pid, runs = here._process.pid, here.runs
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: here._process.deaths == 1)
    assert np.isfinite(shown(predicted, "RulMlDays")).all()
    await until(lambda: here.runs > runs)  # it gets to know the fleet again
    assert here._process.pid not in (None, pid)
    assert np.isfinite(shown(predicted, "RulMlDays")).all()


async def test_another_model_is_no_fall_of_life(
    predicted: OpcUaTestServer, home: Path, until: Until, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_MODEL.replace("fake-1", "fake-2"))
    use(predicted, fakemodels.artefact(home / "shorter.zip", "fake-2", life=1_500.0))
    longest = float(shown(predicted, "RulMlDays").max())
    await until(lambda: float(shown(predicted, "RulMlDays").max()) < longest - 1_000)
    frame = predicted.app._opcua._table.frame
    assert frame is not None
    assert frame.column(AssetType.FLEET, "RemainingUsefulLifeDrop")[0] < 50  # of the twin's own


async def test_after_a_restart_what_was_said_is_there_with_the_first_scan(
    database: str, predicted: OpcUaTestServer
) -> None:
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        state = Path(name) / "var" / "state"
        state.mkdir(parents=True)
        content = (predicted.settings.home / "state" / "forecast.npz").read_bytes()
        (state / "forecast.npz").write_bytes(content)
        again, end = serve(Path(name), database)
        try:
            assert np.isfinite(shown(again, "RulMlDays")).all()
            assert learning(again)._process.starts == 0
        finally:
            end()
