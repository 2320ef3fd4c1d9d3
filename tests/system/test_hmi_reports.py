"""The page of reports: a report of one's own in a few clicks, and what goes out by schedule."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_the_fleet_page_leads_to_a_report_in_thai(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Reports: PDF, Excel, CSV").click()
    expect(page).to_have_url(re.compile("/reports$"))
    period = page.locator("#vk-period")
    expect(period.locator("option")).to_have_count(24, timeout=20_000)
    page.locator("#vk-language").select_option("th")
    page.locator("#vk-calendar").select_option("buddhist")
    expect(period.locator("option").first).to_have_text(re.compile(r"^\D+ 25\d\d"))
    page.locator("#vk-site").select_option("Bangrak")
    month = period.input_value()
    with page.expect_download() as download:
        page.get_by_role("button", name="Get report").click()
    assert download.value.suggested_filename == f"voltkeep-Bangrak-{month}-th.pdf"
    data = Path(download.value.path()).read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"Sarabun" in data
    expect(page.get_by_text("The report is in your downloads.")).to_be_visible()


def test_a_week_comes_as_a_workbook_and_what_has_not_begun_is_refused_in_words(page: Page) -> None:
    page.goto("/reports")
    page.get_by_role("radio", name="Week").click()
    period = page.locator("#vk-period")
    expect(period.locator("option")).to_have_count(26)
    week = period.input_value()
    assert re.fullmatch(r"\d{4}-W\d\d", week)
    page.locator("#vk-format").select_option("xlsx")
    with page.expect_download() as download:
        page.get_by_role("button", name="Get report").click()
    assert zipfile.is_zipfile(download.value.path())
    future = {"period": "9000-01", "site": "", "format": "pdf", "language": "en", "calendar": "common"}
    refused = page.request.post("/api/report", data=future)
    assert (refused.status, refused.json()["fault"]) == (
        200,
        "There is no such report: the period has not begun, or the site is unknown.",
    )
    assert page.request.post("/api/report", data={**future, "format": "exe"}).status == 400
    expect(page.get_by_text("No report is scheduled.")).to_be_visible()
