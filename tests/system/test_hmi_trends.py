"""The pages of a jar, of trends and of comparison in a real browser: the past, and what happened in it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
import simulate
from hmipage import SECONDS, changes
from playwright.sync_api import Browser, Page, Response, expect
from program import Voltkeep

pytestmark = pytest.mark.browser

JAR = "Bangrak/UPS-1/S03/J07"
MINUTE, DAY = 60_000, 86_400_000  # ms
# The past is still being written when the first test asks.
SPREAD_OF_PHUKET = """async () => {
  for (let k = 0; k < 60; k += 1) {
    const { sites } = await (await fetch('/api/spread?span=7d')).json();
    if (sites.Phuket) return sites.Phuket;
    await new Promise((go) => setTimeout(go, 1000));
  }
}"""
VALUES_ARE_THERE = """async ([tag, from, to, count]) => {
  for (let k = 0; k < 60; k += 1) {
    const found = await (await fetch(`/api/series?tag=${tag}&from=${from}&to=${to}`)).json();
    if (found.v.filter((value) => value !== null).length >= count) return found;
    await new Promise((go) => setTimeout(go, 1000));
  }
}"""


def length_of(answer: Response) -> int:
    """How long a span was asked for [ms]."""
    asked = parse_qs(urlparse(answer.url).query)
    return int(asked["to"][0]) - int(asked["from"][0])


def test_jar_shows_live_values_life_and_trend(page: Page) -> None:
    page.goto(f"/jar/{JAR}")
    values = page.locator("#vk-values")
    expect(values).to_contain_text("V")
    changes(page, "#vk-values tbody tr:first-child td")
    expect(page.locator("#vk-life")).to_contain_text("Replace in")
    expect(page.locator("#vk-life")).to_contain_text(re.compile("Similar cases|No factors"))
    expect(page.locator("#vk-life").get_by_role("link", name="What if …")).to_be_visible()
    expect(page.locator("#vk-past")).to_contain_text(re.compile("No alarms in the last 90 days|Priority"))
    expect(page.locator("#vk-upkeep")).to_contain_text(re.compile("Nothing is recorded|Result"))
    expect(page.locator("#vk-plate")).to_contain_text("HX12-120")
    expect(page.locator("#vk-near")).to_contain_text("J08")
    trend = page.locator("#vk-trend")
    expect(trend.locator(".vk-chosen li")).to_have_text([re.compile(r"Voltage13\.\d+ V"), re.compile("Temp")])
    quantities = page.get_by_role("group", name="Quantities")
    quantities.get_by_role("button", name="State of health").click()
    expect(trend.locator(".vk-chosen li").nth(2)).to_contain_text(re.compile(r"State of health\d+\.\d+ %"))
    page.get_by_role("link", name="Beside others").click()
    expect(page.locator(".vk-chosen li")).to_have_count(3)
    expect(page.locator(".vk-chosen li").first).to_contain_text("Bangrak UPS-1 S03 J07 Voltage")


def test_longer_trends_are_means_with_a_band(page: Page) -> None:
    page.goto(f"/jar/{JAR}")
    ranges = page.get_by_role("radiogroup", name="Range")
    ranges.get_by_role("radio", name="24 h").focus()
    for name in ("7 d", "30 d", "90 d", "1 y"):
        with page.expect_response(lambda answer: "/api/series" in answer.url and length_of(answer) > DAY):
            page.keyboard.press("ArrowRight")
        expect(ranges.get_by_role("radio", name=name)).to_have_attribute("aria-checked", "true")
    now = int(time.time() * 1000)
    trend = page.evaluate(VALUES_ARE_THERE, [f"{JAR}.Temperature", now - 7 * DAY, now, 1])
    assert trend["step"] == 30 * MINUTE
    assert all(t % trend["step"] == 0 for t, v in zip(trend["t"], trend["v"], strict=True) if v is not None)
    columns = zip(trend["low"], trend["v"], trend["high"], strict=True)
    assert all(low <= v <= high for low, v, high in columns if v is not None)
    span = f"tag={JAR}.Temperature&from={trend['from']}&to={trend['to']}"
    line = page.request.get(f"/api/series?{span}&band=false").json()  # of a long span it stands first
    assert [line["step"], line["low"], line["high"]] == [trend["step"], [], []]
    assert any(value is not None for value in line["v"])
    assert page.request.get("/api/series?tag=Atlantis.Voltage&from=1&to=9").status == 404
    assert page.request.get(f"/api/series?tag={JAR}.Voltage&from=9&to=1").status == 400


def answer_of(page: Page, response: Response) -> Any:
    """What was answered, asked for again: a browser drops the body of what a newer question overtook."""
    return page.request.get(response.url).json()


def test_zooming_in_reads_finer_values_and_the_address_shows_the_same(page: Page) -> None:
    now = int(time.time() * 1000)
    page.goto("/")
    found = page.evaluate(VALUES_ARE_THERE, [f"{JAR}.Temperature", now - DAY, now, 100])
    begin = found["t"][0]
    with page.expect_response(re.compile(f"/api/series.*from={begin - DAY}")) as wide:
        page.goto(f"/trends?tag={JAR}.Temperature&from={begin - DAY}&to={begin + DAY // 2}")
    assert answer_of(page, wide.value)["step"] == 10 * MINUTE
    value = page.locator(".vk-chosen b")
    expect(value).to_contain_text(re.compile("°C|–"))
    page.get_by_role("application").focus()
    page.keyboard.press("Home")
    expect(page.locator(".vk-said")).to_contain_text("°C")
    with page.expect_response(re.compile("/api/series")) as fine:
        for _ in range(5):
            page.keyboard.press("+")
    assert answer_of(page, fine.value)["step"] == 0
    assert length_of(fine.value) < DAY
    expect(page).to_have_url(re.compile(f"from=(?!{begin - DAY})"))
    page.goto(page.url)
    expect(value).to_contain_text("°C")
    told, address = value.inner_text(), page.url
    page.goto("/")
    page.goto(address)
    expect(value).to_have_text(told)
    assert page.url == address
    page.get_by_role("radio", name="24 h").click()
    expect(page).to_have_url(re.compile("range=24h"))


def test_the_cursor_moves_by_keyboard_and_tells_the_values_of_all(page: Page) -> None:
    now = int(time.time() * 1000)
    page.goto(f"/trends?tag={JAR}.Voltage&tag=Bangrak.AmbientTemperature&range=24h")
    page.evaluate(VALUES_ARE_THERE, [f"{JAR}.Voltage", now - DAY, now, 5])
    page.reload()
    said = page.locator(".vk-said")
    expect(page.locator(".vk-chosen b").first).to_have_text(re.compile(r"^\d+\.\d+ V$"))
    page.get_by_role("application").focus()
    page.keyboard.press("Home")
    expect(said).to_have_text(
        re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d; .*Voltage: 1\d\.\d+ V; .*Ambient: [\d.]+ °C$")
    )
    first = said.inner_text()
    page.keyboard.press("ArrowRight")
    expect(said).not_to_have_text(first)
    expect(page.locator(".vk-cursor")).to_be_visible()
    page.get_by_text("In figures").click()
    rows = page.locator("#vk-trend table tbody tr")
    expect(rows).to_have_count(25)
    expect(rows.last).to_contain_text(" V")


def test_what_happened_is_marked_and_tells(page: Page, voltkeep: Voltkeep) -> None:
    site = "Hat Yai"
    number = simulate.start(voltkeep, "PowerOutage", site)
    try:
        page.goto("/")
        expect(page.locator(f'[data-site="{site}"]')).to_contain_text("Lost", timeout=20 * SECONDS)
        page.goto(f"/trends?tag={site}.MainsState&tag={site}/UPS-1.BusVoltage&range=24h")
        happened = page.locator("#vk-happened")
        expect(happened).to_contain_text("PowerOutage", timeout=20 * SECONDS)
        expect(happened).to_contain_text("Outage", timeout=20 * SECONDS)
        sign = page.get_by_role("group", name="Events").get_by_role("button").last
        sign.press("Enter")
        told = page.get_by_role("region", name="What happened")
        expect(told).to_contain_text("PowerOutage")
        expect(told).to_contain_text("still")
        page.keyboard.press("Escape")
        expect(told).to_be_hidden()
    finally:
        simulate.stop(voltkeep, number)


def test_trends_of_several_variables(page: Page) -> None:
    page.goto(f"/trends?tag={JAR}.Voltage&range=24h")
    page.get_by_label("Site", exact=True).select_option("Bangrak")
    page.get_by_label("Variable").select_option("Bangrak.AmbientTemperature")
    page.get_by_role("button", name="Add").click()
    chosen = page.locator(".vk-chosen li")
    expect(chosen).to_have_count(2)
    expect(page).to_have_url(re.compile("tag=Bangrak.AmbientTemperature"))
    with page.expect_response(re.compile("/api/series.*Ambient")) as answer:
        page.get_by_role("radio", name="90 d").click()
    body = answer_of(page, answer.value)
    assert body["unit"] == "°C"
    assert len(body["t"]) == len(body["low"]) <= 501
    names = page.get_by_label("Variable").locator("option").all_inner_texts()
    assert "Mains" in names
    assert not any(name.startswith("Region") for name in names)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    head = Path(download.value.path()).read_text(encoding="utf-8").splitlines()[0]
    assert head.startswith(f'Time,"{JAR}.Voltage [V]","{JAR}.Voltage low [V]"')
    page.get_by_role("button", name=re.compile("^Remove: Bangrak Ambient")).click()
    expect(chosen).to_have_count(1)


@pytest.mark.parametrize(("form", "begins"), [("CSV", b"Time,"), ("Excel", b"PK"), ("Parquet", b"PAR1")])
def test_history_is_exported_from_the_page_of_a_jar(page: Page, form: str, begins: bytes) -> None:
    page.goto(f"/jar/{JAR}")
    expect(page.locator("#vk-values")).to_contain_text("V")
    page.get_by_role("button", name="Export").press("Enter")
    dialog = page.get_by_role("dialog", name="Export")
    dialog.get_by_label("Format").select_option(form)
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export").click()
    expect(dialog).to_be_hidden()
    data = Path(download.value.path()).read_bytes()
    assert data.startswith(begins)
    assert re.fullmatch(r"Bangrak-UPS-1-S03-J07-\d{4}-\d\d-\d\d-raw\.\w+", download.value.suggested_filename)
    page.get_by_role("button", name="Export").click()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_file_is_for_who_asked_for_it_and_once(page: Page, browser: Browser, voltkeep: Voltkeep) -> None:
    wanted = {
        "variables": [f"{JAR}.Voltage"],
        "from": 0,
        "to": 4_000_000_000_000,
        "step": "raw",
        "format": "csv",
    }
    refused = page.request.post("/api/export", data={**wanted, "variables": ["Nowhere.Voltage"]})
    assert (refused.status, refused.json()) == (200, {"fault": "The server does not know what is asked for."})
    for wrong in ({}, {**wanted, "format": "exe"}, {**wanted, "from": "x"}, {**wanted, "variables": []}):
        assert page.request.post("/api/export", data=wrong).status == 400
    place = page.request.post("/api/export", data=wanted).json()["at"]
    with browser.new_context(base_url=voltkeep.hmi_url) as stranger:
        assert stranger.request.get(place).status == 401
    first = page.request.get(place)
    assert first.text().splitlines()[0] == "Time,Voltage [V],Status"
    assert page.request.get(place).status == 404


def test_sites_are_compared(page: Page) -> None:
    page.goto("/comparison")
    page.get_by_label("Another site").select_option(label="Phuket")
    expect(page.locator("#vk-beside")).to_contain_text("Phuket")
    expect(page.locator("#vk-seasons tbody tr")).to_have_count(9)
    page.get_by_role("radio", name="7 d").click()
    phuket = page.evaluate(SPREAD_OF_PHUKET)
    assert 15 < phuket["low"] <= phuket["lower"] <= phuket["middle"] <= phuket["high"] < 45
    page.reload()
    page.get_by_text("In figures").click()
    expect(page.locator("#vk-figures tbody tr")).to_have_count(9)
