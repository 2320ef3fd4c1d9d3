"""The HMI in Thai, in the Buddhist calendar and in the site's time zone, wherever the browser is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hmipage import SECONDS, watched_page
from playwright.sync_api import Browser, Page, StorageState, expect
from program import Voltkeep

from hmi.pages import PAGES

pytestmark = pytest.mark.browser

PLACES = {"site": "Bangrak", "system": "UPS-1", "string": "S03", "jar": "J07"}
# What is called so in any language: names of the plant, of people and programs, standards, keys and files.
NAMES = re.compile(
    r"Voltkeep|\b(admin|hmi)\b|Chiangmai|Phitsanulok|Khon Kaen|Bangrak|Nonthaburi|Sriracha|Surat Thani|Phuket"
    r"|Hat Yai|RECT-\d|Asia/Bangkok|Hexa Power|urn:\S+|SignAndEncrypt|Basic256Sha256|opc\.tcp://\S+|HX[\d-]+"
    r"|twin-1\S*|rul-\w+|Excel|Parquet|Enter|Shift|Ctrl|Esc|Page Up|Page Down|EEMUA|AlarmFlood\.\w+|AUROC"
)
# Pages of identifiers: what was called by which program, and how figures of a model are called in its file.
VERBATIM = ("audit", "models")
WORD = re.compile(r"[A-Za-z]{4,}")  # RUL, SOH, HMI, OPC, UPS, THB and units are shorter
TEXTS = """() => {
  const told = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: element, textContent: text } = texts.currentNode;
    const verbatim = 'script, style, [lang="en"], [translate="no"], .nicegui-error-popup, #popup';
    if (!element.closest(verbatim)) told.add(text.trim());
  }
  for (const element of document.body.querySelectorAll("[aria-label], [placeholder]"))
    for (const name of ["aria-label", "placeholder"]) told.add(element.getAttribute(name) ?? "");
  return [...told];
}"""


@pytest.fixture
def thai(browser: Browser, voltkeep: Voltkeep, logged_in: StorageState) -> Iterator[Page]:
    """A page in Thai and in the Buddhist calendar, in a browser in New York."""
    with watched_page(browser, voltkeep, logged_in, timezone_id="America/New_York") as page:
        chosen = {"voltkeep_language": "th", "voltkeep_calendar": "buddhist"}
        page.context.add_cookies(
            [{"name": name, "value": value, "url": voltkeep.hmi_url} for name, value in chosen.items()]
        )
        yield page


def test_no_page_has_english_words_left(thai: Page) -> None:
    left: dict[str, list[str]] = {}
    for page in PAGES:
        thai.goto(page.address.format(**PLACES))
        expect(thai.locator("#vk-link b")).to_have_text("เชื่อมต่อแล้ว", timeout=20 * SECONDS)
        thai.wait_for_function("() => !document.querySelector('.vk-waiting')")
        texts = (NAMES.sub("", text) for text in thai.evaluate(TEXTS))
        if page.name in VERBATIM:
            continue
        if found := [text for text in texts if WORD.search(text)]:
            left[page.name] = found
    assert not left


def test_times_are_those_of_the_site_and_years_are_buddhist(thai: Page) -> None:
    thai.goto("/preferences")
    expect(thai.locator("#vk-zone")).to_have_text("UTC+7")
    expect(thai.locator("#vk-zones")).to_contain_text("Asia/Bangkok (UTC+7)")
    seen = thai.evaluate("""async () => {
        const { stamp, day, serverNow, zone } = await import(
          document.querySelector('link[rel=modulepreload][href*="/base.js"]').href);
        const now = serverNow();
        return [now, stamp(now), day(now), zone];
    }""")
    now, stamp, day, zone = seen
    local = thai.evaluate(
        "(ms) => new Date(ms + 7 * 3600e3).toISOString().slice(0, 19).replace('T', ' ')", now
    )
    assert zone == "Asia/Bangkok"
    assert stamp == f"{int(local[:4]) + 543}{local[4:]}"
    assert day == stamp[:10]


def test_quarters_of_planning_are_in_the_readers_calendar(thai: Page) -> None:
    thai.goto("/rul/planner")
    expect(thai.locator("#vk-figures th[scope=row]").first).to_have_text(
        re.compile(r"^25[67]\d-Q[1-4]$"), timeout=20 * SECONDS
    )
    thai.goto("/jar/{site}/{system}/{string}/{jar}".format(**PLACES))
    expect(thai.locator("#vk-main")).to_contain_text(re.compile(r"25[67]\d-Q[1-4]"), timeout=20 * SECONDS)
    assert not re.search(r"\b20\d\d-Q[1-4]", thai.inner_text("#vk-main"))


def test_preferences_are_kept_in_the_browser(
    browser: Browser, voltkeep: Voltkeep, logged_in: StorageState
) -> None:
    with watched_page(browser, voltkeep, logged_in, color_scheme="light") as page:
        page.goto("/preferences")
        page.get_by_label("ไทย").check()
        page.get_by_label("Buddhist era").check()
        page.get_by_label("Dark", exact=True).check()
        page.get_by_label("Traffic light").check()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#vk-result")).to_have_text("บันทึกแล้ว")
        page.goto("/alarms/journal")
        root = page.locator("html")
        expect(root).to_have_attribute("data-theme", "dark")
        expect(root).to_have_attribute("data-scale", "traffic")
        expect(root).to_have_attribute("lang", "th")
        page.goto("/preferences")
        expect(page.get_by_label("มืด", exact=True)).to_be_checked()
        page.get_by_label("ตามระบบ").check()
        page.get_by_role("button", name="บันทึก").click()
        expect(root).to_have_attribute("data-theme", "light")
        page.emulate_media(color_scheme="dark")
        expect(root).to_have_attribute("data-theme", "dark")
