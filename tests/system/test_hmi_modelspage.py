"""The page of models in a browser: what there is, and refusals in the words of the gates."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hmipage import SECONDS
from playwright.sync_api import Page, expect
from program import Voltkeep

from analytics.model import RulModel
from server.learning.artefacts import DEFAULT

pytestmark = pytest.mark.browser


def test_the_model_that_ships_is_listed_with_its_card(page: Page) -> None:
    page.goto("/system/models")
    row = page.locator("#vk-models tbody tr").last
    expect(row).to_contain_text("Published", timeout=60 * SECONDS)
    expect(row).to_contain_text("Voltkeep")
    card = page.get_by_label("The model in full")
    expect(card).to_contain_text("Seeds")
    expect(card).to_contain_text("101, 102, 103")
    expect(card).to_contain_text("Khon Kaen")
    expect(page.locator("#vk-status")).to_contain_text(re.compile(r"rul-\w+"))
    expect(page.get_by_role("button", name=re.compile("^Publish:"))).to_have_count(0)


def test_what_the_server_refuses_is_said_in_words(page: Page) -> None:
    page.goto("/system/models")
    expect(page.locator("#vk-models tbody tr").last).to_contain_text("Published", timeout=60 * SECONDS)
    version = page.locator("#vk-models tbody tr th").last.inner_text()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_label("Comment").fill("a test")
    page.get_by_role("button", name="Roll back").click()
    expect(page.locator("#vk-result")).to_contain_text("No model was published before the present one.")
    for action, words in (
        ("publish", f"{version} is published already."),
        ("shadow", f"{version} is Published: its predictions are told already."),
        ("retire", f"{version} is published: publish another, or roll back."),
    ):
        answer = page.request.post(f"/api/models/{action}", data={"version": version})
        assert answer.json() == {"fault": words}
    cancelled = page.request.post("/api/models/cancel", data={"job": ""}).json()
    assert cancelled == {"fault": "No training runs."}
    unknown = page.request.post("/api/models/publish", data={"version": "rul-nowhere"}).json()
    assert unknown == {"fault": "There is no model rul-nowhere."}


def test_another_model_predicts_in_the_shadow_is_published_and_rolled_back(
    page: Page, voltkeep: Voltkeep
) -> None:
    """The one that ships, under another name, which stays retired."""
    model = RulModel.from_bytes(DEFAULT.read_bytes())
    other = dataclasses.replace(model, card=dataclasses.replace(model.card, version="rul-other"))
    (voltkeep.home / "models" / "rul-other.zip").write_bytes(other.to_bytes())
    page.goto("/system/models")
    page.on("dialog", lambda dialog: dialog.accept())
    rows = page.locator("#vk-models tbody tr")
    shipped, row = rows.filter(has_text=model.card.version), rows.filter(has_text="rul-other")
    expect(row).to_contain_text("Candidate", timeout=60 * SECONDS)
    for action, done, state in (
        ("Set shadow", "It predicts in the shadow now.", "In the shadow"),
        ("End shadow", "Nothing predicts in the shadow now.", "Candidate"),
        ("Retire", "It is set aside.", "Retired"),
        ("Publish", "It speaks for the fleet now.", "Published"),
    ):
        page.get_by_label("Comment").fill(f"{action}, for a test")
        row.get_by_role("button", name=action).click()
        expect(page.locator("#vk-result")).to_have_text(done, timeout=90 * SECONDS)
        expect(row).to_contain_text(state)
    expect(row).to_contain_text("admin")
    expect(page.locator("#vk-status")).to_contain_text("rul-other")
    expect(shipped.get_by_role("button", name="Publish")).to_be_visible()
    page.get_by_role("button", name="Roll back").click()
    expect(shipped).to_contain_text("Published")
    expect(row).to_contain_text("Retired")
