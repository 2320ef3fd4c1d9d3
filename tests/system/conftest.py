"""The whole program as a user starts it: a real `voltkeep run` on free ports, with its own home.

A test marked `browser` or `node` is skipped where the browser or the client is not installed; in CI
(CI=true) a missing browser is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hmipage import FLAGS, log_in, watched_page
from nodeclient import Step, installed, run_step
from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright
from program import Start, Voltkeep, running


@pytest.fixture(scope="session")
def start_voltkeep() -> Start:
    """`with start_voltkeep(home, *arguments, VOLTKEEP_...="...") as voltkeep`: a program of one's own."""
    return running


@contextmanager
def _home() -> Iterator[Path]:
    """A home that is not there yet, where everyone may enter: as root the database is another user's."""
    with TemporaryDirectory(prefix="voltkeep-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory) / "home"


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of one's own for a program; pytest's own directories are closed to the database."""
    with _home() as path:
        yield path


@pytest.fixture(scope="session")
def voltkeep() -> Iterator[Voltkeep]:
    """One program for all tests that only look at it or undo what they do."""
    with _home() as path, running(path) as program:
        yield program
        status = program.stop()
        assert status == 0, program.log


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the program printed beside a failure."""
    report = yield
    program = getattr(item, "funcargs", {}).get("voltkeep")
    # What failed may be its end, which took the log along.
    if report.failed and isinstance(program, Voltkeep) and program.log_file.exists():
        report.sections.append(("voltkeep run", program.log[-20_000:]))
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and not shutil.which("chromium"):
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed", pytrace=False)
        pytest.skip("chromium is not installed")
    if item.get_closest_marker("node") and not installed():
        pytest.skip("node-opcua-client is not installed")


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Step:
    """Runs steps of node-opcua-client, which keeps its certificate over all tests."""
    directory = tmp_path_factory.getbasetemp() / "node"
    directory.mkdir(exist_ok=True)

    def run(program: Voltkeep, step: str, limit: float = 60, **options: Any) -> Any:
        return run_step(directory, program, step, limit, options)

    return run


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser, for Playwright's `executable_path`."""
    path = shutil.which("chromium")
    assert path is not None
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for all tests of a module; it keeps an event loop, so not for longer."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def logged_in(browser: Browser, voltkeep: Voltkeep) -> StorageState:
    """The cookies of an administrator who logged in."""
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, voltkeep, voltkeep.admin_password)
        expect(page).to_have_url(f"{voltkeep.hmi_url}/")
        return context.storage_state()


@pytest.fixture
def page(browser: Browser, voltkeep: Voltkeep, logged_in: StorageState) -> Iterator[Page]:
    """A page of a logged-in administrator; any error of its scripts or request elsewhere fails the test."""
    with watched_page(browser, voltkeep, logged_in) as page:
        yield page
