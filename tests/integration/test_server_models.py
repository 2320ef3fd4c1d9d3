"""Models over OPC UA (R6, R8): predicted, explained, published, refused, rolled back and mistrusted."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from asyncua import Client, ua
from learntmodels import bare_model
from opcuaserver import PASSWORD, OpcUaTestServer, serve
from registerplant import listen, told

import config
from analytics.features import NAMES
from analytics.model import RulModel
from nodeset.tags import ModelDrift
from server.learning import retraining
from server.learning.artefacts import DEFAULT
from server.learning.care import ModelCare
from server.learning.examination import examine
from server.learning.registry import VOLTKEEP

S = ua.StatusCodes
VT = ua.VariantType
SHIPPED = Path(config.__file__).parent / "alarms.yaml"
JAR, SITE = "Bangrak/UPS-1/S01/J03", "Hat Yai"
ENGINEER = "erin"
NAN = float("nan")

Call = Callable[..., Awaitable[Any]]

pytestmark = pytest.mark.skipif(not DEFAULT.exists(), reason="no model ships with this checkout")


@pytest.fixture(scope="module")
def shipped() -> RulModel:
    """The model that comes with the package."""
    return RulModel.from_bytes(DEFAULT.read_bytes())


@pytest.fixture(scope="module")
def server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaTestServer]:
    """A server with the alarms that ship and an engineer."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE models")
    database = psycopg.conninfo.make_conninfo(postgres, dbname="models")
    running, end = serve(tmp_path_factory.mktemp("models"), database, alarms=SHIPPED)
    yield running
    end()


@pytest.fixture
async def engineer(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    accounts = server.app._opcua.accounts
    if ENGINEER not in accounts:
        from server.security.users import Role

        made = accounts.set(ENGINEER, Role.ENGINEER, PASSWORD)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(made, server.loop))
    async with server.admin(client_home, ENGINEER) as client:
        yield client


@pytest.fixture(autouse=True)
def no_gate(care: ModelCare, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate of physics finds nothing: it takes seconds."""

    async def nothing(_path: Path) -> tuple[str, ...]:
        return ()

    monkeypatch.setattr(care.registry, "_examine", nothing)


@pytest.fixture
def call(server: OpcUaTestServer) -> Call:
    """Call a method of the Analytics object, texts and Doubles as they are; the outputs as a list."""

    async def call(client: Client, name: str, *values: str | float) -> Any:
        analytics, method = (
            client.get_node(server.node_id(each)) for each in ("Analytics", f"Analytics.{name}")
        )
        given = [ua.Variant(v, VT.String if isinstance(v, str) else VT.Double) for v in values]
        found = await analytics.call_method(method, *given)
        return found if isinstance(found, list) else [found]

    return call


@pytest.fixture
def care(server: OpcUaTestServer) -> ModelCare:
    return server.app._models


async def inside(server: OpcUaTestServer, made: Any) -> Any:
    """Run a coroutine in the server's loop."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(made, server.loop))


async def refused(call: Call, client: Client, name: str, *values: str | float) -> int:
    with pytest.raises(ua.UaStatusCodeError) as error:
        await call(client, name, *values)
    return int(error.value.code)


def put(server: OpcUaTestServer, model: RulModel) -> str:
    """Put a model among the others."""
    folder = server.settings.home / "models"
    (folder / f"{model.version}.zip").write_bytes(model.to_bytes())
    return model.version


def again(model: RulModel, version: str) -> RulModel:
    return dataclasses.replace(model, card=dataclasses.replace(model.card, version=version))


async def read(server: OpcUaTestServer, client: Client, name: str) -> Any:
    return await client.get_node(server.node_id(name)).read_value()


async def is_so(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.05)


async def test_what_ships_is_published_and_listed(
    server: OpcUaTestServer, client: Client, call: Call, shipped: RulModel
) -> None:
    async with server.client() as client:
        found = await call(client, "ListModels")
        place = found[0].index(shipped.version)
        assert found[1][place] == "Published"
        assert found[5][place] == shipped.card.data_hash
        assert found[6][place] == VOLTKEEP
        assert found[10][place] is True
        figures = {n: v for version, n, v in zip(*found[11:], strict=True) if version == shipped.version}
        assert figures["mae"] == shipped.card.metrics["mae"]
        assert await read(server, client, "Analytics.PublishedModel") == shipped.version
        assert await read(server, client, "Analytics.Drift") == "Unknown"
        facts = dict(zip(*await call(client, "DescribeModel", shipped.version), strict=True))
        assert facts["Seeds"] == "101, 102, 103"
        assert "Khon Kaen" in facts["UnseenSites"]


async def test_the_fleet_is_predicted_with_structures(server: OpcUaTestServer, call: Call) -> None:
    async with server.client() as client:
        await client.load_data_type_definitions()
        found = await call(client, "PredictFleet", "")
        assert len(found) == 12
        jars = [jar.path for jar in server.app._opcua._table.index.fleet.jars]
        assert found[0] == jars
        assert all(len(column) == len(jars) for column in (*found[1:9], found[11]))
        structures = found[11]
        assert all(isinstance(each, ua.RulPredictionType) for each in structures)
        assert [each.Jar for each in structures] == jars
        assert [each.Days for each in structures] == found[1]
        assert all(low <= days <= high for low, days, high in zip(found[2], found[1], found[3], strict=True))
        of_site = await call(client, "PredictFleet", SITE)
        assert of_site[0] == [jar for jar in jars if jar.startswith("Hat Yai/")]
        for wrong in ("Nowhere", JAR, "Bangrak/UPS-1"):
            assert await refused(call, client, "PredictFleet", wrong) == S.BadInvalidArgument


async def test_a_jar_is_explained(server: OpcUaTestServer, call: Call) -> None:
    async with server.client() as client:
        await client.load_data_type_definitions()
        found = await call(client, "ExplainRul", JAR)
        factors, shares, structure = found[0], found[1], found[-1]
        assert 1 <= len(factors) == len(shares) <= 3
        assert sum(shares) == pytest.approx(1)
        assert isinstance(structure, ua.RulPredictionType)
        assert (structure.Jar, structure.Factors, structure.Shares) == (JAR, factors, shares)
        assert structure.TwinDays == found[6]
        quarter, notes = found[10], found[11]
        assert (structure.ReplacementQuarter, structure.QuarterNotes or []) == (quarter, notes)
        # Bangrak: Songkran is in the second quarter, the monsoon from June to October (docs/maintenance.md).
        assert any("Songkran" in note for note in notes) == quarter.endswith("Q2")
        assert any("Monsoon" in note for note in notes) == (quarter[-2:] in ("Q2", "Q3", "Q4"))
        assert found[12].startswith("twin-1")
        assert await refused(call, client, "ExplainRul", "Bangrak") == S.BadInvalidArgument


async def test_what_if_it_were_warmer(server: OpcUaTestServer, call: Call) -> None:
    async with server.client() as client:
        changed, lower, upper, present, *_ = await call(client, "WhatIf", JAR, 10.0, 100.0)
        assert lower <= changed <= upper
        assert 0.4 <= 1 - changed / present <= 0.6
        same = await call(client, "WhatIf", JAR, 0.0, 100.0)
        assert same[:3] == pytest.approx(same[3:6], rel=0.01)
        cooler = await call(client, "WhatIf", JAR, -5.0, 100.0)
        assert cooler[0] > present
        for wrong in (
            (JAR, 21.0, 100.0),
            (JAR, NAN, 100.0),
            (JAR, 0.0, 201.0),
            (JAR, 0.0, -1.0),
            ("x", 0.0, 100.0),
        ):
            assert await refused(call, client, "WhatIf", *wrong) == S.BadInvalidArgument


async def test_only_engineers_decide(server: OpcUaTestServer, call: Call) -> None:
    asked = (
        ("PublishModel", "rul-x", ""),
        ("RollbackModel", ""),
        ("RetireModel", "rul-x", ""),
        ("SetShadow", ""),
        ("Retrain", "", ""),
        ("CancelTraining", ""),
    )
    async with server.client() as client:
        for name, *values in asked:
            assert await refused(call, client, name, *values) == S.BadUserAccessDenied, name


async def test_publish_refuse_and_roll_back(
    server: OpcUaTestServer,
    engineer: Client,
    call: Call,
    shipped: RulModel,
) -> None:
    second = put(server, again(shipped, "rul-second"))
    assert await call(engineer, "PublishModel", second, "a test") == [shipped.version]
    assert await read(server, engineer, "Analytics.PublishedModel") == second
    assert await refused(call, engineer, "PublishModel", second, "") == S.BadInvalidState

    worse = put(server, bare_model("rul-worse", mae=1000.0))
    assert await refused(call, engineer, "PublishModel", worse, "") == S.BadInvalidState
    found = await call(engineer, "ListModels")
    assert "5 % more is the most" in found[9][found[0].index(worse)]
    assert await refused(call, engineer, "PublishModel", "rul-nowhere", "") == S.BadInvalidArgument

    assert await call(engineer, "RollbackModel", "it was a test") == [shipped.version]
    assert await read(server, engineer, "Analytics.PublishedModel") == shipped.version
    assert await refused(call, engineer, "RollbackModel", "") == S.BadInvalidState
    assert await call(engineer, "RetireModel", second, "") == [None]


async def test_the_gate_of_physics_is_a_process_of_its_own(tmp_path: Path) -> None:
    assert await examine(DEFAULT) == ()
    empty = tmp_path / "rul-empty.zip"
    empty.write_bytes(bare_model("rul-empty").to_bytes())
    assert await examine(empty) == ("The gates could not judge it: the log says why.",)
    empty.write_bytes(b"no model")
    (said,) = await examine(empty)
    assert said.startswith("This is no model of Voltkeep")


async def test_steps_are_audited_with_what_was_before(
    server: OpcUaTestServer, engineer: Client, call: Call, shipped: RulModel
) -> None:
    seen: list[Any] = []
    sinks = server.app._opcua.audit.sinks
    server.inside(lambda: sinks.append(seen.append))
    version = put(server, again(shipped, "rul-audited"))
    await call(engineer, "PublishModel", version, "why not")
    await call(engineer, "RollbackModel", "back")
    server.inside(lambda: sinks.remove(seen.append))
    texts = [(entry.user, entry.old, entry.new) for entry in seen if "Analytics" in entry.target]
    assert texts == [
        (ENGINEER, shipped.version, f"{version}, why not"),
        (ENGINEER, version, f"{shipped.version} back"),
    ]


async def test_a_shadow_predicts_untold(
    server: OpcUaTestServer, engineer: Client, call: Call, care: ModelCare, shipped: RulModel
) -> None:
    version = put(server, again(shipped, "rul-shadow"))
    assert await call(engineer, "SetShadow", version) == [""]
    assert await read(server, engineer, "Analytics.ShadowModel") == version
    assert server.app._learning._shadow == server.settings.home / "models" / f"{version}.zip"
    assert await refused(call, engineer, "SetShadow", shipped.version) == S.BadInvalidState
    assert await call(engineer, "SetShadow", "") == [version]
    assert server.app._learning._shadow is None


FAKE = """
import json, sys
from pathlib import Path
order = json.loads(sys.stdin.readline())
print("a library says hello", flush=True)
print(json.dumps({"progress": 0.5, "message": "half"}), flush=True)
{rest}
"""


def job(home: Path, rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have another program train."""
    (home / "faketraining.py").write_text(FAKE.replace("{rest}", rest))
    paths = f"{home}:{Path.cwd()}"
    monkeypatch.setenv("PYTHONPATH", paths)
    monkeypatch.setattr(retraining, "_MODULE", "faketraining")


async def state(server: OpcUaTestServer, client: Client, wanted: str) -> None:
    async def reached() -> bool:
        return bool(await read(server, client, "Analytics.TrainingState") == wanted)

    await is_so(reached)


async def test_training_makes_a_candidate(
    server: OpcUaTestServer, engineer: Client, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trained.zip").write_bytes(bare_model("rul-trained").to_bytes())
    copy = f"Path(order['target']).write_bytes(Path({str(tmp_path / 'trained.zip')!r}).read_bytes())"
    job(tmp_path, copy, monkeypatch)
    (number,) = await call(engineer, "Retrain", "PlantYears", "for a test")
    await state(server, engineer, "Done")
    assert await read(server, engineer, "Analytics.TrainingJob") == number
    assert await read(server, engineer, "Analytics.TrainingProgress") == 100
    assert await read(server, engineer, "Analytics.TrainedModel") == "rul-trained"
    found = await call(engineer, "ListModels")
    assert found[1][found[0].index("rul-trained")] == "Candidate"
    assert list((server.settings.home / "models").glob("*.partial")) == []


async def test_one_training_at_a_time_and_it_can_be_ended(
    server: OpcUaTestServer, engineer: Client, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(tmp_path, "sys.stdin.read(); import time; time.sleep(600)", monkeypatch)
    (number,) = await call(engineer, "Retrain", "", "")
    assert await refused(call, engineer, "Retrain", "", "") == S.BadTooManyOperations
    assert await refused(call, engineer, "CancelTraining", "train-other") == S.BadInvalidArgument
    await call(engineer, "CancelTraining", number)
    await state(server, engineer, "Cancelled")
    assert await refused(call, engineer, "CancelTraining", "") == S.BadInvalidArgument


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("print(json.dumps({'error': 'Too few jars.'}))", "Too few jars."),
        ("sys.exit(3)", "it ended unexpectedly"),
        ("Path(order['target']).write_bytes(b'no model')", "This is no model of Voltkeep"),
    ],
)
async def test_a_training_that_fails_says_why(
    server: OpcUaTestServer,
    engineer: Client,
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rest: str,
    said: str,
) -> None:
    job(tmp_path, rest, monkeypatch)
    await call(engineer, "Retrain", "PlantYears", "")
    await state(server, engineer, "Failed")
    assert said in await read(server, engineer, "Analytics.TrainingMessage")


async def test_too_few_failures_are_refused_at_once(
    server: OpcUaTestServer, engineer: Client, call: Call
) -> None:
    assert await refused(call, engineer, "Retrain", "Historian", "") == S.BadInvalidState
    assert await refused(call, engineer, "Retrain", "Elsewhere", "") == S.BadInvalidArgument


async def test_drift_is_an_alarm_and_the_twin_speaks_alone_until_it_is_over(
    server: OpcUaTestServer,
    engineer: Client,
    care: ModelCare,
    shipped: RulModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learning = server.app._learning
    known = np.tile(shipped.cases.features[:1], (len(server.app._opcua._table.index.fleet.jars), 1))
    matter = [NAMES.index(name) for name in ("arrhenius_factor", "resistance_rise")]
    shifted = {"by": 1000.0}

    async def features() -> Any:
        moved = known.copy()
        moved[:, matter] += shifted["by"]
        moved[:, NAMES.index("history_days")] = 365
        return moved

    monkeypatch.setattr(learning, "features", features)
    nights = {"now": 20_000}
    monkeypatch.setattr(care.drifting, "_now", lambda: nights["now"])

    async def night() -> None:
        nights["now"] += 1
        await inside(server, care.drifting.judge())

    events = await listen(engineer)
    await night()
    assert await read(server, engineer, "Analytics.Drift") == "Watch"
    assert not await read(server, engineer, "Analytics.Fallback")
    await night()
    assert await read(server, engineer, "Analytics.Drift") == "Drifting"
    assert "arrhenius_factor" in await read(server, engineer, "Analytics.FallbackReason")
    worst = await read(server, engineer, "Analytics.DriftFeatures")
    assert set(worst[:2]) == {"arrhenius_factor", "resistance_rise"}
    said = server.app._opcua.models.state()
    assert (said["status"], said["drift"]) == ("fallback", "Drifting")
    assert learning._published is None
    assert learning._shadow is not None  # it goes on beside

    async def alarmed() -> bool:
        return any(each[1] == "ModelDrifting" and each[2] for each in await told(events))

    await is_so(alarmed)
    assert await read(server, engineer, "Fleet.ModelDrift") == ModelDrift.DRIFTING
    shifted["by"] = 0.0
    await night()
    assert await read(server, engineer, "Analytics.Drift") == "Drifting"
    await night()
    assert await read(server, engineer, "Analytics.Drift") in ("None", "Watch")
    assert await read(server, engineer, "Analytics.FallbackReason") == ""
    assert learning._published is not None
    assert math.isnan(await read(server, engineer, "Analytics.MaturedError"))
