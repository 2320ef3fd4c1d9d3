"""What a log must not tell."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from config.settings import Log
from server import logs


@pytest.fixture(autouse=True)
def as_before() -> None:
    """Here the log is set up for once."""


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, given back as it was."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_shows_no_local_variables(
    root: logging.Logger, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Log(format=form))

    def fails(password: str) -> None:
        raise ValueError(f"{len(password)} letters")

    secret = "-".join(["Float", "at", "13.65", "volt"])  # not in a line of source that a traceback shows
    try:
        fails(secret)
    except ValueError:
        structlog.get_logger("here").exception("it failed", who="ann")
    told = capsys.readouterr().err
    assert "it failed" in told
    assert "19 letters" in told
    assert "ann" in told
    assert "Float-at" not in told
