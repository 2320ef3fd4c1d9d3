"""Pictures of every page: in light, dark, Thai and on a phone for review, and those that the manual shows.

`make pictures` starts a program of its own, lets two scenarios run so that the alarms have something to tell,
and writes build/pictures; `make pictures ARGS=--manual` writes docs/images/manual. With `--at` the pictures
are of a program that runs already, whose administrator's password is VOLTKEEP_ADMIN_PASSWORD.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hmipage import FLAGS
from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, sync_playwright
from program import ADMIN_PASSWORD, running

from hmi.pages import PAGES

CHECKOUT: Final = Path(__file__).parents[2]
REVIEW: Final = CHECKOUT / "build" / "pictures"
MANUAL: Final = CHECKOUT / "docs" / "images" / "manual"
PARTS: Final = {"site": "Bangrak", "system": "UPS-1", "string": "S01", "jar": "J24"}
JAR: Final = "/jar/Bangrak/UPS-1/S01/J24"
TRENDS: Final = f"/trends?tag={JAR[5:]}.Voltage&tag={JAR[5:]}.Temperature&range=7d"
SITE_ZONE: Final = "Asia/Bangkok"
SETTLE: Final = 2500  # ms after the last answer
# Connected, and no table waits for what it asked for.
DRAWN: Final = """() => {
  const overlays = [...document.querySelectorAll('[class*="ag-overlay-loading"]')];
  const waits = overlays.some((node) => node.checkVisibility());
  return !document.getElementById('vk-link') || (document.documentElement.dataset.link === 'up' && !waits);
}"""
STORM: Final = 60_000  # ms from the start of the scenarios until their alarms stand
COLOURS: Final = 192  # of a picture of the manual
SCENARIOS: Final = (("PowerOutage", "Phuket", 1200), ("ThermalRunaway", "Sriracha/UPS-1/S02/J05", 1800))


@dataclass(frozen=True)
class Look:
    """One way to look at the pages."""

    name: str
    lang: str = "en"
    width: int = 1400
    height: int = 900
    options: dict[str, Any] = field(default_factory=dict)


TOUCH: Final = {"has_touch": True, "is_mobile": True}
LOOKS: Final = (
    Look("light"),
    Look("dark", options={"color_scheme": "dark"}),
    Look("thai", "th"),
    Look("phone", "en", 390, 844, TOUCH),
    Look("phone-thai-dark", "th", 390, 844, {**TOUCH, "color_scheme": "dark"}),
)


@dataclass(frozen=True)
class Shot:
    """A picture: where it is taken, the script that comes before it, and whether scenarios run meanwhile."""

    name: str
    path: str
    prepare: str = ""
    look: Look = Look("manual", width=1280, height=800)
    disturbed: bool = False


SHOTS: Final = (
    Shot("log-in", "/login", look=Look("log-in", width=700, height=460)),
    Shot("fleet", "/"),
    Shot("heatmap", "/heatmap"),
    Shot("site", "/site/Bangrak"),
    Shot("jar", JAR),
    Shot("alarms", "/alarms", "document.querySelectorAll('.ag-row .ag-checkbox-input')[1]?.click()"),
    Shot("incidents", "/alarms/incidents"),
    Shot("journal", "/alarms/journal"),
    Shot("performance", "/alarms/performance"),
    Shot("rul", "/rul"),
    Shot("planner", "/rul/planner"),
    Shot("records", "/rul/records"),
    Shot("reports", "/reports"),
    Shot("trends", TRENDS),
    Shot("comparison", "/comparison"),
    Shot("users", "/system/users"),
    Shot("connections", "/system"),
    Shot("phone", "/alarms", look=LOOKS[3]),
    Shot("phone-menu", "/", "document.getElementById('vk-menu-button').click()", LOOKS[3]),
    Shot(
        "dark", "/site/Bangrak", look=Look("dark", width=1280, height=800, options={"color_scheme": "dark"})
    ),
    Shot("simulation", "/simulation", disturbed=True),
)


def main() -> int:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manual", action="store_true", help="those of the manual, into docs/images/manual")
    parser.add_argument("--at", metavar="URL", help="the HMI of a program that runs already")
    parser.add_argument("--only", nargs="*", default=[], help="names of pages or pictures")
    asked = parser.parse_args()
    with program(asked.at) as (url, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        state = logged_in(browser, url, password)
        shots = SHOTS if asked.manual else list(of_all_pages())
        for shot in (each for each in shots if not asked.only or any(n in each.name for n in asked.only)):
            if shot.disturbed:
                disturb(browser, url, state)
            take(browser, url, state, shot, MANUAL if asked.manual else REVIEW)
        browser.close()
    return 0


def of_all_pages() -> Iterator[Shot]:
    """Every page of the table, the log-in and the password, each in every look."""
    paths = {page.name: page.address.format(**PARTS) for page in PAGES}
    paths |= {"login": "/login", "password": "/password", "trends": TRENDS}
    for look in LOOKS:
        for name, path in paths.items():
            yield Shot(f"{look.name}-{name}", path, look=look, disturbed=True)


@contextmanager
def program(url: str | None) -> Iterator[tuple[str, str]]:
    """Where the HMI is, and the administrator's password."""
    if url:
        yield url, os.environ["VOLTKEEP_ADMIN_PASSWORD"]
        return
    with TemporaryDirectory(prefix="voltkeep-") as directory:
        Path(directory).chmod(0o755)
        settings = {"VOLTKEEP_SIMULATOR_PAST_DAYS": "30"}
        with running(Path(directory) / "home", **settings) as own:
            yield own.hmi_url, ADMIN_PASSWORD


def chromium() -> str:
    """Debian's browser, as in the tests."""
    return next(str(p) for d in os.get_exec_path() if (p := Path(d) / "chromium").exists())


def logged_in(browser: Browser, url: str, password: str) -> StorageState:
    """Cookies of the administrator."""
    with browser.new_context(base_url=url) as context:
        page = context.new_page()
        page.goto("/login")
        page.locator("[name=user]").fill("admin")
        page.locator("[name=password]").fill(password)
        page.locator("button.vk-primary").click()
        page.locator(".vk-card").first.wait_for(timeout=3 * STORM)
        return context.storage_state()


def disturb(browser: Browser, url: str, state: StorageState) -> None:
    """Start the scenarios and wait for their alarms, unless they run already."""
    with browser.new_context(base_url=url, storage_state=state) as context:
        if context.request.get("/api/simulations").json()["running"]:
            return
        for scenario, target, seconds in SCENARIOS:
            wanted = {"scenario": scenario, "target": target, "duration": seconds, "parameters": {}}
            answer = context.request.post(
                "/api/simulation/start", data=wanted, headers={"Origin": url}
            ).json()
            if "fault" in answer:
                sys.exit(f"{scenario} on {target}: {answer['fault']}")
        context.new_page().wait_for_timeout(STORM)


def take(browser: Browser, url: str, state: StorageState, shot: Shot, folder: Path) -> None:
    """Write a picture of the whole page for review, of what a screen shows for the manual."""
    look = shot.look
    kept = StorageState() if shot.path == "/login" else state
    size: Any = {"width": look.width, "height": look.height}
    with browser.new_context(
        base_url=url, storage_state=kept, viewport=size, timezone_id=SITE_ZONE, **look.options
    ) as context:
        page = context.new_page()
        page.on("console", lambda m: print(f"{shot.name}: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: print(f"{shot.name}: {error}"))
        page.goto(f"/language?to={look.lang}")
        page.goto(shot.path)
        page.wait_for_function(DRAWN, timeout=STORM)
        page.wait_for_timeout(SETTLE)
        if shot.prepare:
            page.evaluate(shot.prepare)
            page.wait_for_timeout(SETTLE / 3)
        write(page, folder, shot.name, whole=folder == REVIEW)


def write(page: Page, folder: Path, name: str, whole: bool) -> None:
    """As PNG with few colours, which pages of grey need no more of."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = Image.open(BytesIO(page.screenshot(full_page=whole))).convert("RGB")
    path = folder / f"{name}.png"
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    print(
        f"{path.relative_to(CHECKOUT)} {path.stat().st_size // 1000} kB", f"{wide} px too wide" * (wide > 0)
    )


if __name__ == "__main__":
    sys.exit(main())
