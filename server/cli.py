"""The program `voltkeep`: its commands, and what they tell the user (I1, I6)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from config.settings import CONFIG_VARIABLE, Settings, load_settings
from config.yamlfile import ConfigurationError
from server import logs
from server.errors import StartError

program = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="OPC UA server for fleets of stationary batteries.",
)
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
HMI_START_LIMIT: Final = 60.0
CHILD_START_LIMIT: Final = 15.0
CHILD_STOP_LIMIT: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")]
Home = Annotated[Path | None, typer.Option("--home", help="Directory that holds all state.")]
SourceName = Annotated[str | None, typer.Option("--source", help="simulator or modbus.")]


def main() -> None:
    """Entry point of the program."""
    try:
        program()
    except (ConfigurationError, StartError) as error:
        errors.print(f"[bold red]Voltkeep cannot start.[/]\n{_escaped(str(error))}")
        sys.exit(2)


@program.command()
def run(config: Config = None, home: Home = None, source: SourceName = None) -> None:
    """Run everything: database, source, OPC UA server and HMI."""
    settings = _settings(config, home, source)
    asyncio.run(_run_all(settings))


@program.command()
def server(config: Config = None, home: Home = None, source: SourceName = None) -> None:
    """Run the OPC UA server with its historian, without the HMI."""
    settings = _settings(config, home, source)
    asyncio.run(_serve(settings, lambda: _print_ready(settings.endpoint)))


@program.command()
def hmi(config: Config = None, home: Home = None) -> None:
    """Run the HMI alone, for a server that runs elsewhere."""
    _settings(config, home, None)
    os.execv(sys.executable, [sys.executable, "-m", "hmi"])


@program.command()
def simulator(config: Config = None, home: Home = None) -> None:
    """Serve the simulated plant over Modbus TCP, one gateway a site."""
    from simulator.gateway import serve

    settings = _settings(config, home, None)

    async def until_stopped() -> None:
        stop = _stop_on_signals()
        task = asyncio.create_task(serve(settings))
        waiter = asyncio.create_task(stop.wait())
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(until_stopped())
    except OSError as error:
        raise StartError(f"simulator: {error.strerror}") from None


@program.command()
def check(config: Config = None, home: Home = None) -> None:
    """Check settings, fleet file and alarm file, and say what they hold."""
    from server.app import read_plant_files

    settings = _settings(config, home, None)
    fleet, alarms = read_plant_files(settings)
    console.print(
        f"{settings.fleet}: {len(fleet.sites)} sites, {len(fleet.systems)} systems, "
        f"{len(fleet.strings)} strings, {len(fleet.jars)} jars"
    )
    console.print(f"{settings.alarms}: {len(alarms)} conditions")
    console.print("Everything is in order.")


# -- running


def _settings(config: Path | None, home: Path | None, source: str | None) -> Settings:
    """Settings with the options of the command line, which child processes inherit."""
    for variable, value in (
        (CONFIG_VARIABLE, config),
        ("VOLTKEEP_HOME", home),
        ("VOLTKEEP_SOURCE", source),
    ):
        if value is not None:
            os.environ[variable] = str(value)
    settings = load_settings()
    logs.configure(settings.log)
    return settings


async def _serve(settings: Settings, ready: Any) -> None:
    from server.app import App

    stop = _stop_on_signals()
    steps = Steps()
    app = App(settings, steps)

    def tell() -> None:
        steps.done()
        _print_password(app.admin_password)
        ready()

    with _plain_errors():
        await app.run(tell, stop)
    console.print("Stopped.")


async def _run_all(settings: Settings) -> None:
    from server.app import App
    from server.endpoint import check_port

    stop = _stop_on_signals()
    steps = Steps()
    app = App(settings, steps)
    children: list[subprocess.Popen[bytes]] = []
    check_port("HMI", settings.hmi.host, settings.hmi.port, "VOLTKEEP_HMI_PORT")
    modbus = settings.modbus
    if settings.source == "modbus" and modbus.simulate and modbus.host in LOOPBACK:
        steps("Starting the simulated Modbus gateways")
        check_port("Modbus", modbus.host, modbus.port, "VOLTKEEP_MODBUS_PORT")
        children.append(_child("-m", "server", "simulator"))
        await _wait_for(modbus.host, modbus.port, children[0])
    pages = _child("-m", "hmi")
    children.append(pages)
    waiting: list[asyncio.Task[None]] = []

    def ready() -> None:
        steps.done()
        waiting.append(asyncio.create_task(_announce(settings, app.admin_password, pages, stop)))

    try:
        with _plain_errors():
            await app.run(ready, stop)
    finally:
        for task in waiting:
            task.cancel()
        _end(children)
    if pages.returncode not in (0, None, -signal.SIGTERM, -signal.SIGINT):
        raise typer.Exit(1)
    console.print("Stopped.")


async def _announce(
    settings: Settings, password: str | None, pages: subprocess.Popen[bytes], stop: asyncio.Event
) -> None:
    """Say that both answer, once they do; stop when the HMI cannot start."""
    url = f"http://{settings.hmi.host}:{settings.hmi.port}"
    deadline = time.monotonic() + HMI_START_LIMIT
    while not await asyncio.to_thread(_answers, url):
        if pages.poll() is not None or time.monotonic() > deadline:
            errors.print("[bold red]The HMI did not start.[/] What it said is above.")
            stop.set()
            return
        await asyncio.sleep(0.1)
    if settings.demo:
        console.print("Demo: anyone on this machine may read without logging in.")
    _print_password(password)
    _print_ready(settings.endpoint, url)
    await asyncio.to_thread(pages.wait)
    errors.print("[bold red]The HMI has ended.[/]")
    stop.set()


async def _wait_for(host: str, port: int, child: subprocess.Popen[bytes]) -> None:
    """Until a child process listens, or has ended, or the time is over."""
    deadline = time.monotonic() + CHILD_START_LIMIT
    while child.poll() is None and time.monotonic() < deadline:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 1)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _child(*arguments: str) -> subprocess.Popen[bytes]:
    """A process of ours that ends when we do, however we end."""
    return subprocess.Popen([sys.executable, *arguments], preexec_fn=_die_with_parent)


def _die_with_parent() -> None:
    os.setpgid(0, 0)  # Ctrl-C reaches the parent, which ends its children in order
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(CHILD_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """The first error out of a task group, which is what the user can act upon."""
    try:
        yield
    except* (StartError, ConfigurationError) as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


# -- telling the user


class Steps:
    """Says what is being done, and how long the step before took when it was over a second."""

    def __init__(self) -> None:
        self._began: float | None = None

    def __call__(self, text: str) -> None:
        self.done()
        self._began = time.monotonic()
        console.print(_escaped(text))

    def done(self) -> None:
        """The last step is over."""
        if self._began is not None and time.monotonic() - self._began > 1:
            console.print(f"  … took {time.monotonic() - self._began:.1f} s")
        self._began = None


def _print_password(password: str | None) -> None:
    if password is not None:
        console.print(f"One-time password of user [bold]admin[/]: [bold]{_escaped(password)}[/]")


def _print_ready(*urls: str) -> None:
    console.print("ready: " + " ".join(urls))


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
