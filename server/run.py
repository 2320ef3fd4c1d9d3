"""Runs the server alone, or everything: the server here, HMI and simulated gateways as children."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import time
import urllib.request
from collections.abc import Iterator
from typing import Final

from config.fleetfile import read_fleet_file
from config.settings import Settings
from config.yamlfile import ConfigurationError
from server import children
from server.app import App
from server.children import Child
from server.console import Steps, out, tell_error, tell_password, tell_ready
from server.endpoint import check_port
from server.errors import StartError

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
HMI_START_LIMIT: Final = 60.0  # s
HMI_PAUSE: Final = (1.0, 60.0)  # s before it is started again: at first, and at most
HMI_STEADY: Final = 60.0  # s after which an end counts as the first


async def run_server(settings: Settings) -> None:
    """The server until a signal stops it."""
    steps = Steps()
    app = App(settings, steps)

    def ready() -> None:
        steps.done()
        tell_password(app.admin_password)
        tell_ready(settings.endpoint)

    with _plain_errors():
        await app.run(ready, stop_on_signals())
    out.print("Stopped.")


async def run_everything(settings: Settings) -> bool:
    """Server, HMI and what the settings ask for; False when the HMI failed."""
    stop = stop_on_signals()
    steps = Steps()
    app = App(settings, steps)
    check_port("HMI", settings.hmi.host, settings.hmi.port, "VOLTKEEP_HMI_PORT")
    started: list[Child] = []
    telling: list[asyncio.Task[None]] = []
    with _plain_errors():
        try:
            await _start_gateways(settings, steps, started)
            started.append(children.start("-m", "hmi"))

            def ready() -> None:
                steps.done()
                telling.append(asyncio.create_task(_tell_when_both_answer(settings, app, started, stop)))

            await app.run(ready, stop)
        finally:
            children.end(started)
            for task in telling:
                task.cancel()
    out.print("Stopped.")
    return not children.failed(started[-1])


async def _start_gateways(settings: Settings, steps: Steps, started: list[Child]) -> None:
    """Simulated gateways, for a Modbus source on this machine that has no real ones."""
    if settings.source != "modbus" or not settings.modbus.simulate:
        return
    links = settings.links(list(read_fleet_file(settings.fleet).sites))
    if any(link.host not in LOOPBACK for link in links):
        return
    steps("Starting the simulated Modbus gateways")
    first = links[0]
    check_port("Modbus", first.host, first.port, "VOLTKEEP_MODBUS_PORT")
    gateways = children.start("-m", "server", "simulator")
    started.append(gateways)
    if not await children.listens(first.host, first.port, gateways):
        raise StartError("The simulated Modbus gateways did not start. What they said is above.")


async def _tell_when_both_answer(
    settings: Settings, app: App, started: list[Child], stop: asyncio.Event
) -> None:
    """Say that both answer, once they do; stop everything when the HMI, the last one started, does not."""
    url = f"{settings.hmi.scheme}://{settings.hmi.host}:{settings.hmi.port}"
    deadline = time.monotonic() + HMI_START_LIMIT
    while not await asyncio.to_thread(_answers, url):
        if started[-1].poll() is not None or time.monotonic() > deadline:
            tell_error("The HMI did not start.", "What it said is above.")
            stop.set()
            return
        await asyncio.sleep(0.1)
    if settings.demo:
        out.print("Demo: anyone on this machine may read without logging in.")
    tell_password(app.admin_password)
    tell_ready(settings.endpoint, url)
    await _keep_pages(started, stop)


async def _keep_pages(started: list[Child], stop: asyncio.Event) -> None:
    """Start the HMI again whenever it ends: alarms are raised and told whether anybody looks or not."""
    pause, longest = HMI_PAUSE
    began = time.monotonic()
    while True:
        await asyncio.to_thread(started[-1].wait)
        if stop.is_set():
            return
        pause = HMI_PAUSE[0] if time.monotonic() - began > HMI_STEADY else min(2 * pause, longest)
        tell_error("The HMI has ended.", "The server goes on, and the HMI is started again.")
        await asyncio.sleep(pause)
        began = time.monotonic()
        started[-1] = children.start("-m", "hmi")


def _answers(url: str) -> bool:
    """Whether our own pages answer; whether browsers trust their certificate is another question."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1, context=context) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def stop_on_signals() -> asyncio.Event:
    """An event that Ctrl-C and a polite kill set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Let the first error out of task groups by itself, when it is one that the user can act upon."""
    try:
        yield
    except BaseExceptionGroup as group:  # in an early 3.11 what except* raises is a group again
        error: BaseException | None = group.subgroup((StartError, ConfigurationError))
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is None:
            raise
        raise error from None
