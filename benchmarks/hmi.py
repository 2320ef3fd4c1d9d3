"""What many browsers cost the HMI: CPU time and memory with a hundred of them on live site pages.

A browser here is what a page's script does and no more: a snapshot, then the live stream. The server scans
each second, so that every viewer gets patches each second. Run it with `python -m benchmarks.hmi`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks.process import HOST, Process, free_ports, running
from benchmarks.servers import home

VIEWERS: Final = 100
SITES: Final = ("Bangrak", "Phuket", "Chiangmai")
SETTLE: Final = 8.0  # s
SECONDS: Final = 20.0
PASSWORD: Final = "Float-at-13.65-volt"
_PROGRAM: Final = "import sys; from server.cli import main; sys.exit(main())"


@dataclass
class Traffic:
    """What all viewers received."""

    messages: int = 0
    bytes: int = 0


@contextmanager
def hmi(folder: Path) -> Iterator[Process]:
    """A server that scans each second, and the HMI beside it."""
    opcua, metrics, web = free_ports(3)
    environment = {
        "VOLTKEEP_HOME": str(folder / "home"),
        "VOLTKEEP_ADMIN_PASSWORD": PASSWORD,
        "VOLTKEEP_SCAN_PERIOD": "1",
        "VOLTKEEP_OPCUA_PORT": str(opcua),
        "VOLTKEEP_METRICS_PORT": str(metrics),
        "VOLTKEEP_HMI_PORT": str(web),
        "VOLTKEEP_LOG_LEVEL": "warning",
    }
    with (
        running(opcua, folder / "server.log", ["-c", _PROGRAM, "server"], environment),
        running(web, folder / "hmi.log", ["-m", "hmi"], environment) as process,
    ):
        yield process


async def measure(process: Process, viewers: int) -> None:
    """Print the costs without and with viewers."""
    url = f"http://{HOST}:{process.port}"
    traffic = Traffic()
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True), connector=aiohttp.TCPConnector(limit=0)
    ) as browser:
        await _log_in(browser, url)
        first = await _first_view(browser, url)
        async with asyncio.TaskGroup() as tasks:
            views = [
                tasks.create_task(_view(browser, url, f"site/{SITES[i % len(SITES)]}", traffic))
                for i in range(viewers)
            ]
            await asyncio.sleep(SETTLE)
            cpu, messages, size = process.cpu(), traffic.messages, traffic.bytes
            await asyncio.sleep(SECONDS)
            used = (process.cpu() - cpu) / SECONDS
            for view in views:
                view.cancel()
    print(f"first snapshot of a site   {first * 1000:8.0f} ms")
    print(f"{viewers} browsers, CPU        {used:8.1%} of a core")
    print(f"memory                     {process.memory():8.0f} MB")
    print(f"messages                   {(traffic.messages - messages) / SECONDS:8.0f} /s")
    print(f"data                       {(traffic.bytes - size) / SECONDS / 1000:8.0f} kB/s")


async def _log_in(browser: aiohttp.ClientSession, url: str) -> None:
    """Log in as soon as the HMI has found the server."""
    while True:
        async with browser.get(f"{url}/ready") as answer:
            if answer.status == 200:
                break
        await asyncio.sleep(0.2)
    form = {"user": "admin", "password": PASSWORD}
    async with browser.post(f"{url}/login", data=form, allow_redirects=False) as answer:
        if answer.status != 303:
            raise RuntimeError(f"log-in answered {answer.status}")


async def _first_view(browser: aiohttp.ClientSession, url: str) -> float:
    began = time.perf_counter()
    async with browser.get(f"{url}/api/snapshot", params={"key": f"site/{SITES[0]}"}) as answer:
        await answer.read()
    return time.perf_counter() - began


async def _view(browser: aiohttp.ClientSession, url: str, key: str, traffic: Traffic) -> None:
    async with browser.ws_connect(f"{url}/api/live?key={key}", headers={"Origin": url}) as stream:
        async with browser.get(f"{url}/api/snapshot", params={"key": key}) as answer:
            await answer.read()
        async for message in stream:
            traffic.messages += 1
            traffic.bytes += len(message.data)


def main() -> None:
    """Start server and HMI, measure, stop."""
    with home() as folder, hmi(folder) as process:
        asyncio.run(measure(process, VIEWERS))


if __name__ == "__main__":
    main()
