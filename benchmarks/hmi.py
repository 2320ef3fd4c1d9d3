"""What the HMI costs and how soon it shows: cold browsers, a hundred of them, and one that does not read.

The server scans each second, so that every browser is told each second. Costs are CPU time of the HMI's own
process; the first view is what Chromium's clock says between the request and live values on the screen, and
grows with what else the machine has to do. Run it alone with `make bench ARGS=hmi`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks.process import HOST, Process, free_ports, running
from benchmarks.servers import home
from benchmarks.viewing import Tally, deaf, first_views, percentile, streams

BROWSERS: Final = 100
SITES: Final = ("Bangrak", "Phuket", "Chiangmai", "Sriracha", "Khon Kaen")
HEAT: Final = "heat/Voltage"  # of which nearly every cell changes with each scan
PAGES: Final = {"fleet": "/", "site": "/site/Bangrak", "heatmap": "/heatmap"}
VIEWS: Final = 5
SETTLE: Final = 5.0  # s until all have joined
LINGER: Final = 60  # s in which the HMI lets go of what nobody looks at
SECONDS: Final = 15.0
PASSWORD: Final = "Float-at-13.65-volt"
_PROGRAM: Final = "import sys; from server.cli import main; sys.exit(main())"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Seat:
    """The HMI under measurement, and a browser that has logged in."""

    process: Process
    url: str
    browser: aiohttp.ClientSession
    cookie: tuple[str, str]


@contextmanager
def hmi(folder: Path) -> Iterator[Process]:
    """A server that scans each second and has no past, and the HMI beside it."""
    opcua, metrics, web = free_ports(3)
    environment = {
        "VOLTKEEP_HOME": str(folder / "home"),
        "VOLTKEEP_ADMIN_PASSWORD": PASSWORD,
        "VOLTKEEP_SCAN_PERIOD": "1",
        "VOLTKEEP_SIMULATOR_PAST_DAYS": "0",
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


def measure(say: Say) -> dict[str, float]:
    """All figures of the HMI."""
    with home() as folder, hmi(folder) as process:
        cookie = asyncio.run(_cookie(process))
        say(f"HMI: first views (load {os.getloadavg()[0]:.1f})")
        found = _views(process, cookie)
        say("HMI: a hundred browsers")
        return found | asyncio.run(_measure(process, cookie, say))


def _views(process: Process, cookie: tuple[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    views = first_views(f"http://{HOST}:{process.port}", cookie, PAGES, VIEWS)
    for name, view in views.items():
        found |= {f"first_{name}": view.seconds, f"cpu_{name}": view.cpu, f"again_{name}": view.again}
        if view.listed is not None:
            found[f"listed_{name}"] = view.listed
        found |= {f"requests_{name}": float(view.requests), f"fetched_{name}": view.kilobytes}
    return found


async def _measure(process: Process, cookie: tuple[str, str], say: Say) -> dict[str, float]:
    async with _seat(process, cookie) as seat:
        await _left(seat)
        found = {"idle": await _share(process, SECONDS)}
        pages = [("fleet", f"site/{site}", f"alarms/{site}") for site in SITES]
        found |= await _watched(seat, "pages", [pages[i % len(pages)] for i in range(BROWSERS)])
        await _left(seat)
        say("HMI: a hundred browsers on the heatmap")
        found |= await _watched(seat, "heat", [(HEAT,)] * BROWSERS)
        say("HMI: the same beside one that does not read")
        with deaf(process.port, "=".join(cookie), HEAT):
            found |= await _watched(seat, "deaf", [(HEAT,)] * BROWSERS)
        return found | {"memory": process.memory()}


async def _watched(seat: Seat, name: str, keys: list[tuple[str, ...]]) -> dict[str, float]:
    """Costs of some browsers and what they received, over `SECONDS`."""
    tally = Tally()
    async with streams(seat.browser, seat.url, keys, tally):
        await asyncio.sleep(SETTLE)
        tally.clear()
        share = await _share(seat.process, SECONDS)
    return {
        f"{name}_share": share,
        f"{name}_messages": tally.messages / SECONDS,
        f"{name}_data": tally.bytes / SECONDS / 1e6,
        f"{name}_dropped": float(tally.dropped),
        f"{name}_missed": float(tally.missed),
        f"{name}_late": float(tally.late),
        f"{name}_p99": percentile(tally.ages, 99),
        f"{name}_longest": tally.longest,
    }


async def _share(process: Process, seconds: float) -> float:
    """CPU time of the HMI over some seconds [% of a core]."""
    before = process.cpu()
    await asyncio.sleep(seconds)
    return 100 * (process.cpu() - before) / seconds


async def _left(seat: Seat) -> None:
    """Wait until the HMI has let go of all that only earlier browsers looked at."""
    for _ in range(LINGER):
        async with seat.browser.get(f"{seat.url}/health") as answer:
            if (await answer.json())["channels"] == 1:  # the fleet's, which stays
                return
        await asyncio.sleep(1.0)
    raise RuntimeError("channels of earlier browsers are still open")


@asynccontextmanager
async def _seat(process: Process, cookie: tuple[str, str]) -> AsyncIterator[Seat]:
    async with aiohttp.ClientSession(
        cookies=dict([cookie]),
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        connector=aiohttp.TCPConnector(limit=0),
    ) as browser:
        yield Seat(process, f"http://{HOST}:{process.port}", browser, cookie)


async def _cookie(process: Process) -> tuple[str, str]:
    """Log in as soon as the HMI has found the server; the session's cookie."""
    url = f"http://{HOST}:{process.port}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        while True:
            async with browser.get(f"{url}/ready") as answer:
                if answer.status == 200:
                    break
            await asyncio.sleep(0.2)
        form = {"user": "admin", "password": PASSWORD}
        headers = {"Origin": url}
        async with browser.post(f"{url}/login", data=form, headers=headers, allow_redirects=False) as answer:
            if answer.status != 303:
                raise RuntimeError(f"log-in answered {answer.status}")
            session = next(each for name, each in answer.cookies.items() if "session" in name)
            return session.key, session.value
