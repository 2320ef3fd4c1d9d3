"""Remaining lives and maintenance in a real browser: from the whole fleet to one jar, and what is done."""

from __future__ import annotations

import re

import pytest
from hmipage import SECONDS
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

JAR = "Phuket/UPS-1/S02/J05"
NAME = JAR.replace("/", " ")


def number(text: str) -> int:
    """A figure as pages write it, with its sign and unit."""
    found = re.search(r"[+\u2212]?\d[\d\u202f]*", text)
    assert found is not None, text
    return int(found[0].replace("\u202f", "").replace("\u2212", "-"))


def test_a_jar_of_the_whole_fleet_and_what_would_shorten_its_life(page: Page) -> None:
    page.goto("/rul?site=Phuket")
    expect(page.locator("#vk-told")).to_contain_text("216 of 1\u202f944 jars", timeout=40 * SECONDS)
    lives = page.locator("#vk-grid .ag-row [col-id=RemainingUsefulLife]")
    rising = [number(text) for text in lives.all_inner_texts()]
    assert rising == sorted(rising)
    page.get_by_label("Filter", exact=True).fill(NAME)
    expect(page.locator("#vk-told")).to_contain_text("1 of 1\u202f944 jars")
    page.locator("#vk-grid .ag-row [col-id=RemainingUsefulLife]").click()
    panel = page.locator("#vk-detail")
    expect(panel.get_by_role("link", name=NAME)).to_be_visible()
    expect(panel.locator(".vk-factor")).not_to_have_count(0)
    panel.get_by_label("Warmer by [K]").fill("8")
    days = number(panel.locator("#vk-change td").first.inner_text(timeout=20 * SECONDS))
    now, then = (number(panel.locator(f"#vk-{row} td").first.inner_text()) for row in ("now", "then"))
    # Arrhenius: 8 K more cost a third of a life, and surely less than two thirds.
    assert then - now == pytest.approx(days, abs=1)
    assert -0.7 * now < days < -0.2 * now
    expect(page).to_have_url(re.compile(r"site=Phuket.*jar=Phuket%2FUPS-1%2FS02%2FJ05"))
