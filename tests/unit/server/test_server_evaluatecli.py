from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import program
from server.errors import RequestError
from server.evaluatecli import _spreads


def test_what_is_no_model_is_told_in_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "model.zip"
    broken.write_bytes(b"nothing")
    for path in (broken, tmp_path / "missing.zip"):
        result = CliRunner().invoke(program, ["evaluate", str(path), "--out", str(tmp_path / "page.md")])
        assert isinstance(result.exception, RequestError)
        assert "cannot be read" in str(result.exception)
    assert not (tmp_path / "page.md").exists()


def test_live_plants_are_no_test_fleets() -> None:
    assert CliRunner().invoke(program, ["evaluate", "--seed", "1"]).exit_code == 2


def test_spreads_are_numbers() -> None:
    assert _spreads("0.5, 0.25") == [0.5, 0.25]
    assert _spreads("") == []
    with pytest.raises(RequestError, match="numbers"):
        _spreads("half")
