"""Remaining lives and maintenance in a real browser: from the whole fleet to one jar, and what is done."""

from __future__ import annotations

import re

import pytest
from hmipage import SECONDS, log_in
from playwright.sync_api import Browser, Page, expect
from program import Voltkeep
from userscommand import one_time, user

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


def test_the_matrix_of_the_plan_agrees_with_the_list_of_visits(page: Page) -> None:
    page.goto("/rul/planner?site=Phuket&quarters=20")
    cells = page.locator("#vk-matrix td button")
    expect(cells.first).to_be_visible(timeout=40 * SECONDS)
    jars = [number(text.partition(":")[2]) for text in cells.all_inner_texts()]  # after site and quarter
    assert sum(jars) == number(page.locator("#vk-matrix tfoot td").last.inner_text())
    cells.first.click()
    listed = page.locator("#vk-visits tr[data-visit] td:nth-child(5)")
    assert sum(number(text) for text in listed.all_inner_texts()) == jars[0]
    page.locator("#vk-visits tr[data-visit] button").first.click()
    inside = page.locator("#vk-visits .vk-inside tbody tr")
    expect(inside).to_have_count(number(listed.first.inner_text()))
    page.get_by_role("link", name="Record replacement").first.click()
    expect(page.get_by_label("Kind of work").first).to_have_value("Replacement")


def test_work_is_recorded_and_listed_and_the_same_again_refused_in_words(page: Page) -> None:
    page.goto("/rul/records?asset=Phuket/UPS-1/S01&kind=Inspection")
    form = page.locator("#vk-work")
    expect(form.get_by_label("String")).to_have_value("S01", timeout=40 * SECONDS)
    form.get_by_label("Note").fill("ดูขั้วแบตเตอรี่แล้ว")
    began = form.get_by_label("Began").input_value()
    form.get_by_role("button", name="Record").click()
    said = page.locator("#vk-result")
    expect(said).to_have_text("Recorded: 1")
    row = page.locator("#vk-grid .ag-row").filter(has_text="ดูขั้วแบตเตอรี่แล้ว").first
    expect(row).to_contain_text("Phuket UPS-1 S01")
    expect(row).to_contain_text(began.replace("T", " "))
    expect(row).to_contain_text("admin")
    form.get_by_role("button", name="Record").click()
    expect(said).to_contain_text("recorded already")
    form.get_by_label("Began").fill("2099-01-01T00:00")
    form.get_by_role("button", name="Record").click()
    expect(said).to_contain_text("not in the future")
    expect(form.get_by_label("Began")).to_be_focused()


def test_a_jar_fails_its_capacity_test_and_is_replaced(page: Page) -> None:
    """The tests' own jar; a new life cannot be taken back."""
    jar = "Nonthaburi/UPS-1/S02/J20"
    page.goto(f"/rul/records?tested={jar}&asset={jar}&kind=Replacement")
    tested = page.locator("#vk-test")
    expect(tested.get_by_label("Jar", exact=True)).to_have_value("J20", timeout=40 * SECONDS)
    for label, value in (
        ("Mean current [A]", "12"), ("End voltage of a jar [V]", "10.8"),
        ("Temperature at the beginning [°C]", "25"), ("Charge drawn [Ah]", "90"),
        ("Charge of a new jar at this current", "120"), ("Note", "ทดสอบประจำปี"),
    ):  # fmt: skip
        tested.get_by_label(label).fill(value)
    tested.get_by_role("button", name="Record").click()
    said = page.locator("#vk-result")
    expect(said).to_have_text("Recorded: 1. Capacity at 25 °C, of that of a new jar: 75.0 %")
    page.locator("#vk-list").get_by_role("radio", name="Capacity tests").click()
    page.get_by_label("Filter").fill("ทดสอบประจำปี")
    row = page.locator("#vk-grid .ag-row", has_text="Nonthaburi UPS-1 S02 J20")
    expect(row).to_contain_text("75.0")
    form = page.locator("#vk-work")
    form.get_by_label("Serial number of the new jar").fill("NEW-0001")
    form.get_by_label("Its resistance at 25 °C").fill("3.33")
    form.get_by_role("button", name="Record").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(said).to_contain_text("75.0 %")  # nothing was sent
    form.get_by_role("button", name="Record").click()
    page.get_by_role("dialog").get_by_role("button", name="Record replacement").click()
    expect(said).to_have_text("Recorded: 1. Lives begun anew: 1 jars")
    page.locator("#vk-list").get_by_role("radio", name="Maintenance").click()
    page.get_by_label("Filter").fill("NEW-0001 3.33")
    expect(row).to_contain_text("Replacement")
    page.goto(f"/jar/{jar}")
    expect(page.get_by_text("NEW-0001")).to_be_visible()


def test_a_viewer_reads_the_records_and_sees_no_form(browser: Browser, voltkeep: Voltkeep) -> None:
    first = one_time(user(voltkeep, "add", "Ploy", "--role", "Viewer", password=voltkeep.admin_password))
    own = "long enough for Ploy"
    with browser.new_context(base_url=voltkeep.hmi_url) as context:
        page = context.new_page()
        log_in(page, voltkeep, first, "Ploy", next="/rul/records")
        page.get_by_label("Old password").fill(first)
        page.get_by_label("New password", exact=True).fill(own)
        page.get_by_label("New password again").fill(own)
        page.get_by_role("button", name="Change password").click()
        with page.expect_response("**/api/rights"):
            page.goto("/rul/records")
        expect(page.locator("#vk-told")).to_contain_text("entries")
        expect(page.locator("#vk-work")).to_be_hidden()
        expect(page.locator("#vk-test")).to_be_hidden()
        sent = {"assets": [JAR], "kind": "Cleaning", "began": 1_700_000_000_000, "ended": None}
        refused = page.request.post("/api/record/work", data=sent, headers={"origin": voltkeep.hmi_url})
        assert "not allowed" in refused.json()["fault"]
    assert user(voltkeep, "remove", "Ploy", password=voltkeep.admin_password).returncode == 0
