"""The HMI by the keyboard alone, and on a phone: from the log-in to an alarm that is acknowledged."""

from __future__ import annotations

import re

import pytest
from hmipage import SECONDS, watched_page
from playwright.sync_api import Browser, Locator, Page, StorageState, expect
from program import Voltkeep

pytestmark = pytest.mark.browser

# The element that has the focus can be seen to have it: an outline or, in a grid, a border of its own.
SEEN_TO_HAVE_FOCUS = """() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  const marked = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  const cell = node.closest('.ag-cell-focus, .ag-header-cell, .ag-header');
  return (marked || Boolean(cell)) && box.width > 0 && box.bottom > 0 && box.top < innerHeight;
}"""
FOCUSED = "() => document.activeElement.outerHTML.slice(0, 200)"
HAS_FOCUS = "node => node.contains(document.activeElement)"
# Who acknowledged an alarm, once the list tells it.
ACKNOWLEDGED_BY = """async (key) => {
  for (let k = 0; k < 40; k += 1) {
    const { alarms } = await (await fetch('/api/snapshot?key=alarms/')).json();
    const alarm = alarms.find((each) => each.key === key);
    if (alarm?.acknowledged) return alarm.user;
    await new Promise((go) => setTimeout(go, 250));
  }
}"""
SMALL_TARGETS = """() => [...document.querySelectorAll('button, .vk-tabs a, .vk-bar nav a, select')]
  .filter((node) => node.checkVisibility())
  .map((node) => [node.id || node.textContent, Math.min(node.offsetWidth, node.offsetHeight)])
  .filter(([, size]) => size < 24)"""
LINES = "all => all.map((each) => getComputedStyle(each).borderBottomColor)"
REMEMBER_PAPER = """() => addEventListener('beforeprint', () => {
  window.paper = document.documentElement.dataset.theme;
})"""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def tab_to(page: Page, target: Locator, most: int = 40, key: str = "Tab") -> None:
    """Press Tab until an element has the focus; every stop on the way can be seen."""
    for _ in range(most):
        page.keyboard.press(key)
        assert page.evaluate(SEEN_TO_HAVE_FOCUS), page.evaluate(FOCUSED)
        if target.evaluate(HAS_FOCUS):
            return
    pytest.fail(f"{target} is not reached by {most} times {key}")


def test_from_log_in_to_an_acknowledged_alarm_without_a_mouse(browser: Browser, voltkeep: Voltkeep) -> None:
    with watched_page(browser, voltkeep, {}) as page:
        page.goto("/login")
        page.keyboard.type("admin")
        page.keyboard.press("Tab")
        page.keyboard.type(voltkeep.admin_password)
        page.keyboard.press("Enter")
        expect(page.locator(".vk-card")).to_have_count(9, timeout=20 * SECONDS)
        alarms = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Alarms")
        tab_to(page, alarms)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/alarms$"))
        page.wait_for_selector(".ag-row")
        skip_to_the_content(page)
        tab_to(page, page.locator(".ag-header"))
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        chosen = page.locator(".ag-row-selected")
        expect(chosen.first).to_have_attribute("row-index", "1")
        condition = chosen.first.get_attribute("row-id")
        acknowledge = page.get_by_role("button", name="Acknowledge")
        tab_to(page, acknowledge, key="Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#vk-result")).to_contain_text("1 acknowledged.")
        assert page.evaluate(ACKNOWLEDGED_BY, condition) == "admin"


def skip_to_the_content(page: Page) -> None:
    """The first stop of every page leads past the bar."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#vk-main")).to_be_focused()


def test_a_dialog_keeps_the_focus_and_gives_it_back(page: Page) -> None:
    page.goto("/jar/Bangrak/UPS-1/S03/J07")
    expect(page.locator("#vk-link")).to_have_attribute("data-link", "up")
    opener = page.get_by_role("button", name="Export")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = "node => node.contains(document.activeElement) || document.activeElement === document.body"
        assert dialog.evaluate(inside), page.evaluate(FOCUSED)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_grid_is_left_by_one_tab(page: Page) -> None:
    page.goto("/site/Bangrak")
    page.wait_for_selector(".ag-row")
    page.locator(".ag-header-cell").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator('.ag-cell-focus[col-id="system"]')).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator('.ag-cell-focus[col-id="string"]')).to_have_count(1)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.ag-root-wrapper') === null")
    assert page.evaluate(SEEN_TO_HAVE_FOCUS), page.evaluate(FOCUSED)


def test_pages_and_tools_of_a_phone_stand_behind_a_button(
    browser: Browser, voltkeep: Voltkeep, logged_in: StorageState
) -> None:
    with watched_page(browser, voltkeep, logged_in, **PHONE) as page:
        page.goto("/")
        button, pages = page.get_by_role("button", name="Menu"), page.locator("#vk-pages")
        expect(page.locator("#vk-link")).to_have_attribute("data-link", "up", timeout=20 * SECONDS)
        expect(button).to_have_attribute("aria-expanded", "false")
        expect(pages.get_by_role("link", name="Alarms")).to_be_in_viewport()
        expect(page.locator("#vk-age")).to_be_in_viewport()
        expect(pages.get_by_role("link", name="Simulation")).to_be_hidden()
        expect(page.get_by_role("button", name="Log out")).to_be_hidden()
        assert page.evaluate(SMALL_TARGETS) == []
        button.tap()
        expect(button).to_have_attribute("aria-expanded", "true")
        expect(page.get_by_role("button", name="Log out")).to_be_in_viewport()
        page.keyboard.press("Escape")
        expect(button).to_be_focused()
        expect(pages.get_by_role("link", name="Simulation")).to_be_hidden()
        button.tap()
        pages.get_by_role("link", name="Simulation").tap()
        expect(page).to_have_url(re.compile("/simulation$"))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_four_times_as_large_nothing_scrolls_sideways(page: Page) -> None:
    # WCAG 1.4.10: 1280 px wide at 400 %.
    page.set_viewport_size({"width": 320, "height": 256})
    jar = "/jar/Bangrak/UPS-1/S03/J07"
    for address in ("/", "/site/Bangrak", "/alarms", "/alarms/configuration", "/trends", jar):
        page.goto(address)
        expect(page.locator("#vk-link")).to_have_attribute("data-link", "up", timeout=20 * SECONDS)
        expect(page.get_by_role("heading", level=1).first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_chosen_colours_and_paper_leave_everything_legible(
    browser: Browser, voltkeep: Voltkeep, logged_in: StorageState
) -> None:
    with watched_page(browser, voltkeep, logged_in, forced_colors="active", color_scheme="dark") as page:
        page.goto("/")
        expect(page.locator(".vk-card")).to_have_count(9, timeout=20 * SECONDS)
        here, other = page.locator(".vk-tabs a").evaluate_all(LINES)
        assert here != other == page.evaluate("getComputedStyle(document.body).backgroundColor")
    with watched_page(browser, voltkeep, logged_in, color_scheme="dark") as page:
        page.goto("/heatmap")
        expect(page.locator("#vk-count")).to_contain_text("1\u202f944", timeout=20 * SECONDS)
        page.evaluate(REMEMBER_PAPER)
        page.pdf()
        assert page.evaluate("[window.paper, document.documentElement.dataset.theme]") == ["light", "dark"]
        page.emulate_media(media="print")
        page.evaluate("document.getElementById('vk-map').style.width = '900px'")  # drawn for the screen
        page.set_viewport_size({"width": 718, "height": 1000})  # A4
        expect(page.get_by_role("heading", level=1, name="Heatmap")).to_be_in_viewport()
        assert page.evaluate("document.getElementById('vk-map').offsetWidth <= innerWidth")


def test_the_theme_is_the_systems_until_somebody_chooses(page: Page) -> None:
    theme = "document.documentElement.dataset.theme"
    page.emulate_media(color_scheme="dark")
    page.goto("/system")
    assert page.evaluate(theme) == "dark"
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"{theme} === 'light'")
    page.get_by_role("button", name="Light or dark").press("Enter")
    assert page.evaluate(theme) == "dark"
    page.reload()
    assert page.evaluate(theme) == "dark"
