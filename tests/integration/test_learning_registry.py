"""The registry over a real database and real files: published, refused, rolled back, found damaged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from learntmodels import bare_model

from historian.connections import Connections, connect
from historian.models import Models, ModelState
from server.events.model import Action
from server.learning import registry as registries
from server.learning.registry import DamagedError, RefusedError, Registry, RegistryError, UnknownModelError

NOW = 1_767_225_600_000_000  # 2026-01-01


class Gate:
    """Finds what it is told to."""

    def __init__(self) -> None:
        self.findings: tuple[str, ...] = ()
        self.asked: list[str] = []

    async def __call__(self, path: Path) -> tuple[str, ...]:
        self.asked.append(path.stem)
        return self.findings


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def told() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture
async def registry(
    database: str, tmp_path: Path, gate: Gate, told: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Registry]:
    default = tmp_path / "rul-model.zip"
    default.write_bytes(bare_model("rul-default", 120).to_bytes())
    monkeypatch.setattr(registries, "DEFAULT", default)
    connections = Connections(lambda: connect(database))
    made = Registry(Models(connections), tmp_path / "home", gate, lambda: NOW, worse=5)
    made.tell = lambda action, version, *, previous="", user="", comment="": told.append(
        (action, version, previous, user)
    )
    yield made
    await connections.close()


async def states(registry: Registry) -> dict[str, str]:
    return {entry.model.version: entry.model.state for entry in await registry.entries()}


async def add(registry: Registry, version: str, mae: float | None = 100.0) -> None:
    await registry.register(bare_model(version, mae).to_bytes())


async def test_what_ships_is_published_at_the_first_start_and_once(
    registry: Registry, told: list[tuple[Any, ...]]
) -> None:
    await registry.begin()
    await registry.begin()
    assert told == [(Action.PUBLISHED, "rul-default", "", "Voltkeep")]
    (entry,) = await registry.entries()
    assert (entry.model.state, entry.model.approved_by, entry.usable) == ("Published", "Voltkeep", True)
    assert entry.model.metrics == {"mae": 120, "mean": 1000}
    assert entry.model.data_hash == b"\xab" * 32


async def test_a_newer_package_does_not_displace_a_users_model(registry: Registry, tmp_path: Path) -> None:
    await registry.begin()
    (tmp_path / "rul-model.zip").write_bytes(bare_model("rul-default-2", 110).to_bytes())
    await registry.begin()
    assert await states(registry) == {"rul-default": "Retired", "rul-default-2": "Published"}
    await add(registry, "rul-own")
    await registry.publish("rul-own", "anna")
    (tmp_path / "rul-model.zip").write_bytes(bare_model("rul-default-3", 90).to_bytes())
    await registry.begin()
    assert (await states(registry))["rul-default-3"] == "Candidate"
    published = await registry.published()
    assert published is not None
    assert published.version == "rul-own"


async def test_rolling_back_goes_back_step_by_step(registry: Registry, told: list[tuple[Any, ...]]) -> None:
    await registry.begin()
    with pytest.raises(RegistryError, match="No model was published before"):
        await registry.roll_back("anna")
    for version in ("rul-b", "rul-c"):
        await add(registry, version)
    assert await registry.publish("rul-b", "anna") == "rul-default"
    assert await registry.publish("rul-c", "bert") == "rul-b"
    assert await registry.roll_back("anna") == ("rul-b", "rul-c")
    assert await registry.roll_back("anna") == ("rul-default", "rul-b")
    with pytest.raises(RegistryError, match="No model was published before"):
        await registry.roll_back("anna")
    assert await states(registry) == {"rul-default": "Published", "rul-b": "Retired", "rul-c": "Retired"}
    assert told[-1] == (Action.ROLLED_BACK, "rul-default", "rul-b", "anna")
    # Who approved one first stays its approver.
    assert await registry.publish("rul-b", "carla") == "rul-default"
    assert (await registry.find("rul-b")).approved_by == "anna"


async def test_what_the_gates_find_is_told_and_kept(registry: Registry, gate: Gate) -> None:
    await registry.begin()
    await add(registry, "rul-b")
    gate.findings = ("10 K more lengthen its lives.",)
    with pytest.raises(RefusedError, match=r"rul-b is not published: 10 K more lengthen its lives\."):
        await registry.publish("rul-b", "anna")
    assert (await registry.find("rul-b")).findings == "10 K more lengthen its lives."
    assert (await states(registry))["rul-b"] == "Candidate"
    gate.findings = ()
    await registry.publish("rul-b", "anna")
    assert (await registry.find("rul-b")).findings == "passed"
    assert gate.asked == ["rul-b", "rul-b"]


@pytest.mark.parametrize(
    ("mae", "said"),
    [
        (126.0, None),
        (126.1, "mean error is 12.6% of the mean life left of its test data, that of rul-default 12.0%"),
        (None, "no figures"),
    ],
)
async def test_a_worse_model_is_refused(registry: Registry, mae: float | None, said: str | None) -> None:
    await registry.begin()
    await add(registry, "rul-b", mae)
    if said is None:
        await registry.publish("rul-b", "anna")
        return
    with pytest.raises(RefusedError, match=said):
        await registry.publish("rul-b", "anna")


async def test_a_shadow_is_a_candidate_that_nobody_is_told_of(registry: Registry) -> None:
    await registry.begin()
    await add(registry, "rul-b")
    await add(registry, "rul-c")
    assert await registry.set_shadow("rul-b", "anna") == ""
    assert await registry.set_shadow("rul-c", "anna") == "rul-b"
    assert await states(registry) == {"rul-default": "Published", "rul-b": "Candidate", "rul-c": "Shadow"}
    with pytest.raises(RegistryError, match="Published: its predictions are told already"):
        await registry.set_shadow("rul-default", "anna")
    shadow = await registry.shadow()
    assert shadow is not None
    assert shadow.version == "rul-c"
    assert await registry.set_shadow("", "anna") == "rul-c"
    assert await registry.shadow() is None


async def test_retiring(registry: Registry) -> None:
    await registry.begin()
    await add(registry, "rul-b")
    assert await registry.retire("rul-b", "anna") is ModelState.CANDIDATE
    assert (await states(registry))["rul-b"] == "Retired"
    with pytest.raises(RegistryError, match="publish another, or roll back"):
        await registry.retire("rul-default", "anna")
    with pytest.raises(UnknownModelError, match="There is no model rul-z"):
        await registry.retire("rul-z", "anna")


async def test_damaged_and_missing_artefacts_are_not_used(registry: Registry, tmp_path: Path) -> None:
    await registry.begin()
    await add(registry, "rul-b")
    file = tmp_path / "home" / "models" / "rul-b.zip"
    whole = file.read_bytes()
    for content in (whole[:-1], b"", bare_model("rul-b", 1.0).to_bytes()):
        file.write_bytes(content)
        with pytest.raises(DamagedError, match="not as it was registered"):
            await registry.publish("rul-b", "anna")
    file.unlink()
    with pytest.raises(DamagedError, match="cannot be read"):
        await registry.publish("rul-b", "anna")
    assert {each.model.version: each.usable for each in await registry.entries()} == {
        "rul-default": True,
        "rul-b": False,
    }
    # Whoever brings the same model again makes it whole.
    await add(registry, "rul-b")
    await registry.publish("rul-b", "anna")


async def test_models_put_into_the_folder_are_found(registry: Registry, tmp_path: Path) -> None:
    await registry.begin()
    folder = tmp_path / "home" / "models"
    (folder / "rul-b.zip").write_bytes(bare_model("rul-b").to_bytes())
    (folder / "rul-c.zip").write_bytes(bare_model("rul-d").to_bytes())  # not its name
    (folder / "rul-e.zip").write_bytes(b"PK\x03\x04 no model")
    assert await states(registry) == {"rul-default": "Published", "rul-b": "Candidate"}
    await registry.publish("rul-b", "anna")


@pytest.mark.parametrize("version", ["../rul", "a/b", "", ".hidden", "x" * 65])
async def test_a_version_is_no_path(registry: Registry, version: str) -> None:
    with pytest.raises((ValueError, UnknownModelError)):
        await registry.register(bare_model(version).to_bytes())
