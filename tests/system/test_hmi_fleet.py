"""The fleet and its sites in a real browser: all jars as picture and table, six months, what falls due."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import simulate
from hmipage import SECONDS
from playwright.sync_api import Page, expect
from program import Voltkeep

pytestmark = pytest.mark.browser

JARS = 1944
ALL_JARS = re.compile(r"^1\u202f944 of 1\u202f944 jars · \d+ abnormal$")
# Red, green and blue of the cell that is meant.
COLOUR = """() => { const [frame, canvas] = ["vk-cursor", "vk-map"].map(id => document.getElementById(id));
    const x = frame.offsetLeft + frame.offsetWidth / 2, y = frame.offsetTop + frame.offsetHeight / 2;
    const pixel = canvas.getContext("2d").getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1);
    return [...pixel.data].slice(0, 3); }"""


def open_heatmap(page: Page) -> None:
    """The heatmap of the fleet, with its values."""
    page.goto("/heatmap")
    expect(page.locator("#vk-count")).to_have_text(ALL_JARS, timeout=20 * SECONDS)


def test_all_jars_of_the_fleet_are_reached_by_keyboard_and_said_in_words(page: Page) -> None:
    open_heatmap(page)
    page.locator("#vk-map").focus()
    said = page.locator("#vk-cell")
    for key, jar in (
        ("Home", "Chiangmai UPS-1 S01 J01"),
        ("ArrowRight", "Chiangmai UPS-1 S01 J02"),
        ("ArrowDown", "Chiangmai UPS-1 S02 J02"),
        ("PageDown", "Phitsanulok UPS-1 S01 J01"),
        ("End", "Hat Yai UPS-2 S09 J24"),
    ):
        page.keyboard.press(key)
        expect(said).to_have_text(re.compile(rf"^{jar} · SOH [\d.]+\u202f% · \w+"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/jar/Hat%20Yai/UPS-2/S09/J24$"))


def test_only_what_is_abnormal_in_picture_and_table(page: Page) -> None:
    open_heatmap(page)
    abnormal = int(page.locator("#vk-count").inner_text().split("·")[1].split()[0])
    assert 0 < abnormal < JARS / 2
    page.get_by_label("Only abnormal").check()
    expect(page.locator("#vk-count")).to_contain_text(re.compile(rf"^{abnormal} of "))
    states = page.locator("#vk-grid .ag-row [col-id=gravity]").all_inner_texts()
    assert states
    assert not [state for state in states if "Normal" in state]
    page.locator("#vk-map").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        expect(page.locator("#vk-cell")).not_to_contain_text("Normal")


def test_another_quantity_is_followed_live(page: Page) -> None:
    open_heatmap(page)
    page.get_by_role("radio", name="Voltage").click()
    expect(page.locator("#vk-legend")).to_contain_text("14.5 V")
    page.locator("#vk-map").focus()
    said = page.locator("#vk-cell")
    expect(said).to_have_text(re.compile(r"Voltage 1[0-9]\.\d{3}\u202fV"))
    before = said.inner_text()
    expect(said).not_to_have_text(before, timeout=30 * SECONDS)


def colour_of_a_healthy_jar(page: Page) -> tuple[int, int, int]:
    """As it is on the screen."""
    open_heatmap(page)
    page.locator("#vk-map").focus()
    page.keyboard.press("Home")
    for _ in range(30):
        if page.locator("#vk-cell").inner_text().endswith("Normal"):
            break
        page.keyboard.press("ArrowRight")
    red, green, blue = page.evaluate(COLOUR)
    return red, green, blue


def test_healthy_is_grey_or_green_as_the_reader_wants_it_and_the_letters_stay(page: Page) -> None:
    calm = colour_of_a_healthy_jar(page)
    assert max(calm) - min(calm) < 24
    page.context.add_cookies([{"name": "voltkeep_scale", "value": "traffic", "url": page.url}])
    red, green, blue = colour_of_a_healthy_jar(page)
    assert green > red + 24
    assert green > blue + 8
    expect(page.locator("#vk-legend .medium")).to_have_text("W")
    expect(page.locator("#vk-legend .high")).to_have_text("C")


def test_the_fleets_months_and_what_falls_due_by_year(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#vk-forecast tbody tr").first).to_be_visible(timeout=30 * SECONDS)
    years = page.locator("#vk-forecast tbody th").all_inner_texts()
    assert len(years) >= 5
    assert all(re.match(r"20\d\d", year) for year in years)
    expect(page.locator("#vk-forecast thead")).to_contain_text("THB")
    chart = page.get_by_role("img", name=re.compile(r"^Mean SOH: [\d.]+ → [\d.]+ %"))
    expect(chart.locator("canvas")).to_be_visible(timeout=30 * SECONDS)
    page.locator("#vk-monthly").locator("..").get_by_text("In figures").click()
    expect(page.locator("#vk-monthly tbody tr").last).to_contain_text(re.compile(r"^20\d\d-\d\d"))


def test_the_table_of_a_site_has_the_readers_columns_also_as_csv(page: Page, tmp_path: Path) -> None:
    page.goto("/site/Bangrak")
    header = page.locator("#vk-grid .ag-header-cell-text")
    expect(header.filter(has_text="Temperature")).to_have_count(1, timeout=20 * SECONDS)
    page.get_by_text("Columns").click()
    page.locator("#vk-columns").get_by_label("Temperature").uncheck()
    page.reload()
    expect(header.filter(has_text="Voltage")).to_have_count(1, timeout=20 * SECONDS)
    expect(header.filter(has_text="Temperature")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "jars.csv")
    with (tmp_path / "jars.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 1 + 216
    assert rows[0][:5] == ["System", "String", "Jar", "SOH [%]", "Voltage [V]"]
    assert "Temperature [°C]" not in rows[0]
    page.get_by_role("link", name="Comparison", exact=True).last.click()
    expect(page.locator("#vk-one option:checked")).to_have_text("Bangrak")


def test_two_clicks_lead_from_the_fleet_to_the_jar_that_causes_an_alarm(
    page: Page, voltkeep: Voltkeep
) -> None:
    jar = "Surat Thani/UPS-1/S02/J05"
    number = simulate.start(voltkeep, "TemperatureSpike", jar, Rise=18.0)
    try:
        page.goto("/")
        page.locator('[data-site="Surat Thani"]').click()
        page.locator("#vk-list").get_by_role("link", name="UPS-1/S02/J05").first.click(timeout=30 * SECONDS)
        expect(page).to_have_url(re.compile(r"/jar/Surat%20Thani/UPS-1/S02/J05$"))
        expect(page.locator("#vk-list")).to_contain_text("temperature is high")
    finally:
        simulate.stop(voltkeep, number)
