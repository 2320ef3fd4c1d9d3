"""Browsers as the HMI sees them: streams of live values, one that does not read, and a real one that is cold.

A stream here is what a page's script does and no more: it joins, fetches the snapshots, and takes numbered
messages. A message is late when its newest value is older than `LATE` as it comes: the server publishes each
second and the HMI tells each second what came, so that two seconds are as it should be.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from benchmarks.process import HOST

JOINED: Final = 60.0  # s until all streams are live
LATE: Final = 3.0  # s from the scan to the browser
SMALL: Final = 4096  # bytes that the one who does not read can take before the network is full
ATTEMPTS: Final = 10  # to fetch a snapshot, a second apart
PATIENCE: Final = 15.0  # s for the views of a page
VIEW_LIMIT: Final = 30_000.0  # ms until a page must stand
_HEAD: Final = re.compile(r'\{"k":"([^"]+)","n":(\d+)')
_NEWEST: Final = re.compile(r'"t":(\d{13})')
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)


@dataclass
class Tally:
    """What all streams of a measurement received."""

    messages: int = 0
    bytes: int = 0
    missed: int = 0  # messages whose predecessor never came
    late: int = 0
    dropped: int = 0  # streams that the HMI closed
    ages: list[float] = field(default_factory=list)  # s from the scan to the browser

    def clear(self) -> None:
        """Begin to count."""
        vars(self).update(vars(Tally()))

    @property
    def longest(self) -> float:
        """The longest way from the scan to a browser [s]."""
        return max(self.ages, default=0.0)


class Stream:
    """One browser's stream of some channels."""

    def __init__(self, browser: aiohttp.ClientSession, url: str, keys: tuple[str, ...], tally: Tally) -> None:
        self._browser, self._url, self._keys, self._tally = browser, url, keys, tally
        self._numbers: dict[str, int] = {}
        self.live = asyncio.Event()

    async def run(self) -> None:
        """Join, fetch the snapshots, take what follows, until cancelled; again after a loss, as pages do."""
        while True:
            await self._joined()
            self._tally.dropped += 1
            self.live.clear()
            await asyncio.sleep(1.0)

    async def _joined(self) -> None:
        query = "&".join(f"key={quote(key)}" for key in self._keys)
        address = f"{self._url}/api/live?{query}"
        async with self._browser.ws_connect(address, headers={"Origin": self._url}) as stream:
            for key in self._keys:
                await self._begin(key)
            self.live.set()
            async for message in stream:
                self._take(message.data)

    async def _begin(self, key: str) -> None:
        """Fetch a snapshot, again where the server is away for a moment."""
        for _ in range(ATTEMPTS):
            async with self._browser.get(f"{self._url}/api/snapshot", params={"key": key}) as answer:
                head = _HEAD.match((await answer.read())[:200].decode(errors="replace"))
            if head is not None:
                self._numbers[key] = int(head[2])
                return
            await asyncio.sleep(1.0)
        raise RuntimeError(f"snapshot of {key} answered {answer.status}")

    def _take(self, message: str) -> None:
        self._tally.messages += 1
        self._tally.bytes += len(message)
        head = _HEAD.match(message)
        if head is None:
            return
        key, number = head[1], int(head[2])
        known = self._numbers.get(key)
        if known is not None and number > known + 1:
            self._tally.missed += 1
        self._numbers[key] = max(number, known or 0)
        if newest := _NEWEST.search(message, message.rfind('"t":')):
            age = time.time() - int(newest[1]) / 1000
            self._tally.ages.append(age)
            self._tally.late += age > LATE


@contextmanager
def deaf(port: int, cookie: str, key: str) -> Iterator[None]:
    """A stream whose browser does not read what it is sent."""
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        connection.connect((HOST, port))
        lines = (
            f"GET /api/live?key={quote(key)} HTTP/1.1",
            f"Host: {HOST}:{port}",
            f"Origin: http://{HOST}:{port}",
            f"Cookie: {cookie}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dm9sdGtlZXAtYmVuY2htYXJrcw==",
        )
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        if b" 101 " not in connection.recv(64):
            raise RuntimeError("the stream was refused")
        yield


@asynccontextmanager
async def streams(
    browser: aiohttp.ClientSession, url: str, keys: list[tuple[str, ...]], tally: Tally
) -> AsyncIterator[None]:
    """One stream for each of `keys`, from when all are live until the end."""
    made = [Stream(browser, url, each, tally) for each in keys]
    tasks = [asyncio.create_task(each.run()) for each in made]
    try:
        async with asyncio.timeout(JOINED):
            await asyncio.gather(*(each.live.wait() for each in made))
        yield
        for task in tasks:
            if task.done() and not task.cancelled() and (fault := task.exception()):
                raise fault
    finally:
        for task in tasks:
            task.cancel()


@dataclass(frozen=True)
class View:
    """A page's first view with a cold browser."""

    seconds: float  # from the request to live values on the screen
    listed: float | None  # from the request to the rows of its table; None where it has none
    cpu: float  # of the browser meanwhile, all its processes [s]
    again: float  # the same, once the browser has kept what it may
    requests: int
    kilobytes: float


def first_views(url: str, cookie: tuple[str, str], paths: dict[str, str], times: int) -> dict[str, View]:
    """Views of pages by name, the median of so many; none where there is no Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return {}
    from playwright.sync_api import (
        sync_playwright,
    )  # a tool of development: not needed for anything else here

    with sync_playwright() as playwright:

        def cold(path: str) -> View:
            with closing(playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))) as browser:
                context = browser.new_context(viewport={"width": 1400, "height": 900})
                context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": url}])
                page = context.new_page()
                page.goto("about:blank")
                before = browser_cpu()
                first = _view(page, url + path)
                used = browser_cpu() - before
                listed = _listed(page)
                fetched = page.evaluate(
                    "performance.getEntries().map(e => e.transferSize).filter(size => size !== undefined)"
                )
                return View(first, listed, used, _view(page, url + path), len(fetched), sum(fetched) / 1000)

        return {name: _middle(list(_in_time(partial(cold, path), times))) for name, path in paths.items()}


def _in_time(view: Callable[[], View], times: int) -> Iterator[View]:
    """So many views, fewer where the machine is too busy for them."""
    end = time.monotonic() + PATIENCE
    for _ in range(times):
        yield view()
        if time.monotonic() > end:
            return


def _view(page: Any, address: str) -> float:
    """Open a page; from its request to live values on the screen [s]."""
    page.goto(address, wait_until="commit")
    marks = "performance.getEntriesByName('voltkeep-live')"
    page.wait_for_function(f"{marks}.length", timeout=VIEW_LIMIT)
    return float(page.evaluate(f"{marks}[0].startTime")) / 1000


def _listed(page: Any) -> float | None:
    """When rows stand in the page's table, since its request [s]."""
    if not page.locator("#vk-grid").count():
        return None
    stand = "document.querySelector('.ag-row') && performance.now()"
    return float(page.wait_for_function(stand, timeout=VIEW_LIMIT).json_value()) / 1000


def _middle(views: list[View]) -> View:
    return sorted(views, key=lambda view: view.seconds)[len(views) // 2]


def browser_cpu() -> float:
    """CPU time of all processes of Chromium that this one has started, user and system [s]."""
    stats = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
            stats[int(folder.name)] = (name, rest.split())
    children: dict[int, list[int]] = {}
    for pid, (_, fields) in stats.items():
        children.setdefault(int(fields[1]), []).append(pid)
    ours = [os.getpid()]
    for pid in ours:  # which grows meanwhile
        ours += children.get(pid, ())
    ticks = sum(int(t) for pid in ours if "chrom" in stats[pid][0] for t in stats[pid][1][11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: int) -> float:
    """The value that `share` % of values do not exceed; 0 of none."""
    with contextlib.suppress(statistics.StatisticsError):
        return statistics.quantiles(values, n=100)[share - 1]
    return 0.0
