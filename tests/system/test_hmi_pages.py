"""Every page of the table of pages, by a machine: it loads without a fault, and axe-core finds none in it.

Light is examined by all rules of WCAG 2.0 to 2.2, A and AA; the dark and a phone only by what they change.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import axe
import pytest
from hmipage import SECONDS, watched_page
from playwright.sync_api import Browser, Page, StorageState, expect
from program import Voltkeep

from hmi.pages import PAGES

pytestmark = pytest.mark.browser

PARTS = {"site": "Bangrak", "system": "UPS-1", "string": "S03", "jar": "J07"}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
COLOURS = ["color-contrast", "link-in-text-block"]
LAYOUT = ["target-size", "scrollable-region-focusable", "color-contrast", "meta-viewport"]
# Until nothing new has come for a moment; what comes each second does not count for ever.
QUIET = """async () => {
  const main = document.getElementById('vk-main');
  const moved = () => new Promise((go) => {
    const seen = new MutationObserver(() => { seen.disconnect(); go(true); });
    seen.observe(main, { childList: true, subtree: true });
    setTimeout(() => go(false), 150);
  });
  for (let k = 0; k < 10 && await moved(); k += 1);
}"""


def addresses() -> list[str]:
    """All pages that there are, with a site and a jar where an address asks for them."""
    return [page.address.format(**PARTS) for page in PAGES] + ["/password"]


@pytest.fixture(scope="module", autouse=True)
def axe_core() -> None:
    """Without npm there is no axe-core; in CI there is npm."""
    if not axe.installed():
        if os.environ.get("CI") == "true":
            pytest.fail("axe-core is not installed: make node", pytrace=False)
        pytest.skip("axe-core is not installed: make node")


def opened(page: Page, address: str) -> None:
    """A page that has joined the live stream and drawn what it had to."""
    page.goto(address)
    if address != "/password":
        expect(page.locator("#vk-link")).to_have_attribute("data-link", "up", timeout=20 * SECONDS)
        if address.startswith(("/site/", "/heatmap")):  # whose table comes after all else
            page.locator(".ag-row").first.wait_for()
        page.evaluate(QUIET)


def walk(page: Page, rules: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each page's address and its grave faults."""
    for address in addresses():
        opened(page, address)
        yield address, axe.grave_faults(page, rules)


def faulty(page: Page, rules: list[str]) -> dict[str, list[str]]:
    """The pages that have grave faults, with them."""
    return {address: faults for address, faults in walk(page, rules) if faults}


def test_every_page_follows_wcag_in_the_light(page: Page) -> None:
    assert faulty(page, axe.WCAG) == {}


def test_every_page_is_legible_in_the_dark(
    browser: Browser, voltkeep: Voltkeep, logged_in: StorageState
) -> None:
    with watched_page(browser, voltkeep, logged_in, color_scheme="dark") as page:
        assert faulty(page, COLOURS) == {}
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_every_page_in_thai_fits_a_phone(
    browser: Browser, voltkeep: Voltkeep, logged_in: StorageState
) -> None:
    wide: dict[str, Any] = {}
    with watched_page(browser, voltkeep, logged_in, **PHONE) as page:
        page.goto("/language?to=th")
        for address, faults in walk(page, LAYOUT):
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if faults or over > 0:
                wide[address] = (over, faults)
        assert page.locator("html").get_attribute("lang") == "th"
    assert wide == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_log_in_follows_wcag(browser: Browser, voltkeep: Voltkeep, scheme: Any) -> None:
    small = {"viewport": {"width": 320, "height": 640}, "color_scheme": scheme}
    with watched_page(browser, voltkeep, {}, **small) as page:
        page.goto("/login?next=/alarms")
        assert axe.grave_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
