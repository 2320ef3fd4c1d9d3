"""`voltkeep publish` on the home of a stopped server: what it does, refuses, and leaves in the trail."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from learntmodels import bare_model
from opcuaserver import free_port
from structlog.testing import capture_logs
from typer.testing import CliRunner

from server import modelclient
from server.cli import program
from server.errors import RequestError


@pytest.fixture
def home(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose database is another's, and whose server is stopped."""
    monkeypatch.setenv("VOLTKEEP_HISTORIAN_URL", database)
    monkeypatch.setenv("VOLTKEEP_OPCUA_PORT", str(free_port()))

    async def nothing_found(_path: Path) -> tuple[str, ...]:
        return ()

    monkeypatch.setattr(modelclient, "examine", nothing_found)
    return tmp_path


def publish(home: Path, *arguments: str) -> str:
    """What the command prints; a refusal is raised."""
    with capture_logs():  # the command logs warnings only, and sets that up by itself
        done = CliRunner().invoke(program, ["publish", *arguments, "--home", str(home)])
    if done.exception is not None:
        raise done.exception
    return str(done.output)


def file(folder: Path, version: str, **terms: Any) -> str:
    path = folder / f"from-elsewhere-{version}.zip"
    path.write_bytes(bare_model(version, **terms).to_bytes())
    return str(path)


def test_a_file_is_published_and_rolled_back(home: Path, tmp_path: Path, database: str) -> None:
    assert publish(home, "--list") == "There are no models.\n"
    assert publish(home, file(tmp_path, "rul-a")) == "rul-a is published.\n"
    said = publish(home, file(tmp_path, "rul-b"), "--comment", "better")
    assert said == "rul-b is published instead of rul-a.\n"
    assert (home / "models" / "rul-b.zip").exists()
    listed = publish(home, "--list")
    assert re.search(r"rul-a +Retired +mean error 100 d, approved by \w+", listed)
    assert re.search(r"rul-b +Published", listed)
    assert publish(home, "--rollback") == "rul-a is published again.\n"
    assert publish(home, "rul-b", "--shadow") == "rul-b predicts in the shadow.\n"
    assert publish(home, "--shadow") == "Nothing predicts in the shadow.\n"
    assert publish(home, "rul-b", "--retire") == "rul-b is set aside.\n"
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT action, old, new FROM audit ORDER BY id").fetchall()
    assert rows == [
        ("publish model", "", "rul-a"),
        ("publish model", "rul-a", "rul-b better"),
        ("roll back model", "rul-b", "rul-a"),
        ("set shadow model", "", "rul-b"),
        ("set shadow model", "rul-b", ""),
        ("retire model", "Candidate", "rul-b"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rul-z"], "There is no model rul-z."),
        (["--rollback"], "No model was published before the present one."),
        ([], "Which model?"),
        (["--list", "--rollback"], "One of --list, --rollback"),
    ],
)
def test_what_cannot_be_done_is_said(home: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)):
        publish(home, *arguments)


def test_what_is_no_model_or_a_worse_one_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "torn.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(RequestError, match="This is no model of Voltkeep"):
        publish(home, str(tmp_path / "torn.zip"))
    publish(home, file(tmp_path, "rul-a", mae=100.0))
    with pytest.raises(RequestError, match=r"rul-b is not published: Its mean error is 20\.0%"):
        publish(home, file(tmp_path, "rul-b", mae=200.0))
