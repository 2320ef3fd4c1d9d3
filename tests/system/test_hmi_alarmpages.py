"""The pages of alarms in a browser: many at once by keyboard, two operators at once, states, configuration.

All of it is done to simulated alarms, which end with their simulation: those of the plant stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import simulate
from hmipage import SECONDS, log_in, watched_page
from playwright.sync_api import Browser, Page, StorageState, WebSocketRoute, expect
from program import Voltkeep

pytestmark = pytest.mark.browser

SYSTEM, JAR, STRING = "Hat Yai/UPS-1", "Phuket/UPS-1/S01/J05", "Surat Thani/UPS-1/S01"
RISE = 18.0  # K: beyond every limit of a jar's temperature
# Simulated alarms under a path, as the HMI's server knows them.
SIMULATED = """async ([path, wanted, least]) => {
  for (let k = 0; k < 120; k += 1) {
    const { alarms } = await (await fetch('/api/snapshot?key=alarms/')).json();
    const found = alarms.filter((each) => each.simulated && each.source.startsWith(path) &&
      Object.entries(wanted).every(([name, value]) => each[name] === value));
    if (found.length >= least) return found;
    await new Promise((done) => setTimeout(done, 250));
  }
  return [];
}"""


def simulated(page: Page, path: str, least: int = 1, **wanted: Any) -> list[dict[str, Any]]:
    """Simulated alarms that are so; waits until there are so many."""
    found: list[dict[str, Any]] = page.evaluate(SIMULATED, [path, wanted, least])
    assert found, f"not {least} simulated alarms of {path} have {wanted}"
    return found


@pytest.fixture
def colleague(browser: Browser, voltkeep: Voltkeep, page: Page) -> Iterator[Page]:
    """A page of another operator."""
    page.goto("/alarms")
    asked = {"name": "Malee", "role": "Operator", "description": "of the tests"}
    once = page.request.post("/api/users/add", data=asked).json()["password"]
    own = "long enough for Malee"
    try:
        with browser.new_context(base_url=voltkeep.hmi_url) as context:
            first = context.new_page()
            log_in(first, voltkeep, once, "Malee", next="/alarms")
            first.get_by_label("Old password").fill(once)
            first.get_by_label("New password", exact=True).fill(own)
            first.get_by_label("New password again").fill(own)
            first.get_by_role("button", name="Change password").click()
            expect(first).to_have_url(re.compile("/alarms$"))
            state: StorageState = context.storage_state()
        with watched_page(browser, voltkeep, state) as theirs:
            yield theirs
    finally:
        page.request.post("/api/users/remove", data={"name": "Malee"})


def test_fifty_alarms_are_acknowledged_in_one_go_by_keyboard(page: Page, voltkeep: Voltkeep) -> None:
    page.goto("/alarms?words=SIMULATION%20Hat%20Yai%20UPS-1")
    number = simulate.start(voltkeep, "TemperatureSpike", SYSTEM, Rise=RISE)
    try:
        expect(page.locator("#vk-filter")).to_have_value("SIMULATION Hat Yai UPS-1")
        cell = page.locator(".ag-center-cols-container .ag-row[row-index='0'] .ag-cell").first
        cell.wait_for(timeout=30 * SECONDS)
        simulated(page, SYSTEM, 50, acknowledged=False)  # a system has as many jars
        page.wait_for_function("document.querySelector('#vk-grid .ag-root').ariaRowCount > 50")
        cell.click()
        expect(page.get_by_role("button", name="Acknowledge (1)")).to_be_enabled()
        for chosen in (2, 3):
            page.keyboard.press("Shift+ArrowDown")
            expect(page.get_by_role("button", name=f"Acknowledge ({chosen})")).to_be_enabled()
        page.keyboard.press("Control+a")
        expect(page.get_by_role("button", name=re.compile(r"Acknowledge \(\d{2,}\)"))).to_be_enabled()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Comment")).to_be_focused()
        page.keyboard.type("The room is too warm")
        page.keyboard.press("Enter")
        result = page.locator("#vk-result")
        expect(result).to_contain_text("acknowledged.", timeout=30 * SECONDS)
        assert int(re.sub(r"\D", "", result.inner_text())) >= 50
        simulated(page, SYSTEM, 50, acknowledged=True, user="admin", comment="The room is too warm")
        page.reload()
        expect(page.locator("#vk-filter")).to_have_value("SIMULATION Hat Yai UPS-1")
    finally:
        simulate.stop(voltkeep, number)


def test_two_operators_who_acknowledge_at_once_both_see_the_truth(
    page: Page, colleague: Page, voltkeep: Voltkeep
) -> None:
    held: list[tuple[WebSocketRoute, str | bytes]] = []
    holding = False

    def late(socket: WebSocketRoute) -> None:
        """The colleague hears of the first operator's deed after having clicked, too."""
        server = socket.connect_to_server()
        server.on_message(lambda message: held.append((socket, message)) if holding else socket.send(message))

    colleague.route_web_socket(re.compile("/api/live"), late)
    number = simulate.start(voltkeep, "TemperatureSpike", JAR, Rise=RISE)
    try:
        (alarm, *_) = simulated(page, JAR, acknowledged=False, name="TemperatureHigh")
        for each in (page, colleague):
            each.goto("/alarms?words=SIMULATION%20Phuket%20UPS-1%20S01%20J05%20TemperatureHigh")
            row = each.locator(f".ag-center-cols-container .ag-row[row-id='{alarm['key']}']")
            row.click()
            expect(each.get_by_role("button", name="Acknowledge (1)")).to_be_enabled()
        holding = True
        page.get_by_role("button", name="Acknowledge (1)").click()
        expect(page.locator("#vk-result")).to_contain_text("1 acknowledged.")
        colleague.get_by_role("button", name="Acknowledge (1)").click()
        expect(colleague.locator("#vk-result")).to_contain_text("1 refused: Already acknowledged. (admin)")
        holding = False
        for socket, message in held:
            socket.send(message)
        for each in (page, colleague):
            row = each.locator(f".ag-center-cols-container .ag-row[row-id='{alarm['key']}']")
            expect(row).not_to_have_class(re.compile("vk-new"), timeout=20 * SECONDS)
            expect(row).to_contain_text("admin")
    finally:
        simulate.stop(voltkeep, number)


def test_an_alarm_is_confirmed_after_it_was_acknowledged_and_once(page: Page, voltkeep: Voltkeep) -> None:
    """A runaway, which is noticed sooner than by itself."""
    page.goto("/alarms?words=SIMULATION%20Phuket%20J05%20ThermalRunaway")
    runaway = {"condition": "ThermalRunawaySuspected", "target": JAR}
    sooner = {**runaway, "values": {"HighLimit": 1, "Hysteresis": 0.1}}
    assert page.request.post("/api/configuration/configure", data=sooner).json() == {"count": 1}
    number = simulate.start(voltkeep, "ThermalRunaway", JAR, Rate=60.0)
    try:
        (alarm,) = simulated(page, JAR, acknowledged=False, name="ThermalRunawaySuspected", branch="")
        row = page.locator(f".ag-center-cols-container .ag-row[row-id='{alarm['key']}']")
        row.click()
        expect(page.get_by_role("button", name="Confirm")).to_be_disabled()
        page.get_by_role("button", name="Acknowledge (1)").click()
        expect(page.locator("#vk-result")).to_contain_text("1 acknowledged.")
        page.locator("#vk-which").get_by_role("radio", name="To confirm").click()
        expect(row).to_contain_text("Active, to confirm")
        row.click()
        page.get_by_label("Comment").fill("Nobody was hurt")
        page.get_by_role("button", name="Confirm (1)").click()
        expect(page.locator("#vk-result")).to_contain_text("1 confirmed.")
        (done,) = simulated(page, JAR, confirmed=True, name="ThermalRunawaySuspected", branch="")
        assert (done["user"], done["comment"]) == ("admin", "Nobody was hurt")
        asked = {"keys": [done["key"]], "events": [done["event"]], "comment": "", "seconds": 0}
        again = page.request.post("/api/alarms/confirm", data=asked).json()
        assert (again["done"], again["refused"][0]["fault"]) == (0, "Already confirmed.")
    finally:
        simulate.stop(voltkeep, number)
        page.request.post("/api/configuration/reset", data=runaway)


def test_an_alarm_leads_to_its_trend_is_suppressed_listed_and_brought_back(
    page: Page, voltkeep: Voltkeep
) -> None:
    number = simulate.start(voltkeep, "TemperatureSpike", JAR, Rise=RISE)
    try:
        page.goto("/alarms")
        (alarm, *_) = simulated(page, JAR, acknowledged=False, name="TemperatureHigh")
        page.get_by_label("Filter").fill("SIMULATION Phuket J05 TemperatureHigh")
        row = page.locator(f".ag-center-cols-container .ag-row[row-id='{alarm['key']}']")
        trend = row.get_by_role("link", name=re.compile("Trend"))
        expect(trend).to_have_attribute(
            "href", re.compile(r"/trends\?tag=.*J05\.Temperature&from=\d+&to=\d+")
        )
        row.click()
        for label, words in (
            ("Suppress (1)", "1 suppressed."),
            ("Take out of service (1)", "1 out of service."),
        ):
            page.get_by_text("More", exact=True).click()
            page.get_by_role("button", name=label).click()
            expect(page.locator("#vk-result")).to_contain_text(words)
            page.get_by_role("radio", name="Shelved or suppressed").click()
            row.click()
        expect(row).to_contain_text("Out of service")
        page.goto("/alarms/held")
        held = page.locator(".ag-center-cols-container .ag-row", has_text="Phuket UPS-1 S01 J05")
        expect(held).to_have_count(2, timeout=20 * SECONDS)
        for reason, label, words in (
            ("Simulated · Out of service", "Return to service (1)", "1 in service."),
            ("Simulated · Suppressed", "End suppression (1)", "1 no longer suppressed."),
        ):
            held.filter(has_text=reason).click()
            page.get_by_role("button", name=label).click()
            expect(page.locator("#vk-result")).to_contain_text(words)
            expect(held.filter(has_text=reason)).to_have_count(0, timeout=20 * SECONDS)
        simulated(page, JAR, name="TemperatureHigh", suppressed=False, out_of_service=False)
    finally:
        simulate.stop(voltkeep, number)


@pytest.fixture
def configuring(page: Page) -> Iterator[Page]:
    """The page of configuration; what was changed of the string is forgotten afterwards."""
    page.goto("/alarms/configuration")
    yield page
    page.request.post("/api/configuration/reset", data={"condition": "TemperatureHigh", "target": STRING})


def test_a_condition_is_configured_and_forgotten(configuring: Page) -> None:
    page = configuring
    page.locator("#vk-condition").select_option("TemperatureHigh")
    page.get_by_label("Target").select_option("Surat Thani")
    page.get_by_label("System", exact=True).select_option("UPS-1")
    page.get_by_label("String", exact=True).select_option("S01")
    page.get_by_label("New value: HighLimit").fill("99")
    expect(page.locator("#vk-preview")).to_contain_text("HighHighLimit must be above HighLimit (99)")
    page.get_by_label("New value: HighLimit").fill("")
    page.get_by_label("New value: OffDelay").fill("0")
    expect(page.locator("#vk-preview")).to_contain_text("24 conditions: OffDelay 30 → 0 s.")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator("#vk-result")).to_have_text("Conditions changed: 24")
    line = page.locator("#vk-differences tbody tr", has_text="Surat Thani UPS-1 S01")
    expect(line).to_contain_text("admin")
    trail = page.locator("#vk-history tbody tr", has_text=STRING).first
    expect(trail).to_contain_text("OffDelay", timeout=30 * SECONDS)
    wrong = {"condition": "TemperatureHigh", "target": STRING, "values": {"HighLimit": 99}}
    refused = page.request.post("/api/configuration/configure", data=wrong).json()["fault"]
    assert "HighHighLimit must be above HighLimit (99)" in refused, "as the server says it"
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_label(f"Forget: TemperatureHigh {STRING}").click()
    expect(page.locator("#vk-result")).to_have_text("Changes forgotten: 1")
    expect(page.locator("#vk-differences")).not_to_contain_text("Surat Thani")


def test_an_earlier_activation_that_waits_is_shown_as_such(configuring: Page, voltkeep: Voltkeep) -> None:
    page, about = configuring, {"name": "TemperatureHigh", "branch": ""}
    at_once = {"condition": "TemperatureHigh", "target": STRING, "values": {"OffDelay": 0}}
    assert page.request.post("/api/configuration/configure", data=at_once).json() == {"count": 24}
    number = simulate.start(voltkeep, "TemperatureSpike", f"{STRING}/J01", Rise=RISE)
    try:
        simulated(page, STRING, active=True, acknowledged=False, **about)
        for rise, active in ((1.0, False), (RISE, True)):
            adjusted = {"id": number, "parameters": {"Rise": rise}}
            assert "fault" not in page.request.post("/api/simulation/adjust", data=adjusted).json()
            simulated(page, STRING, active=active, **about)
        page.goto("/alarms")
        page.get_by_label("Filter").fill("SIMULATION Surat Thani TemperatureHigh")
        branch = page.locator(".ag-center-cols-container .ag-row.vk-branch")
        expect(branch).to_contain_text("earlier activation")
        expect(page.locator(".ag-center-cols-container .ag-row", has_text="+1 earlier")).to_be_visible()
    finally:
        simulate.stop(voltkeep, number)


def test_who_may_only_look_is_offered_nothing_to_do(page: Page, colleague: Page) -> None:
    """An operator does not configure; the page says what is, and what the server says to who tries."""
    colleague.goto("/alarms/configuration")
    expect(colleague.locator("#vk-definitions tbody tr").first).to_be_visible()
    expect(colleague.get_by_text("Change a condition")).to_be_hidden()
    asked = {"condition": "TemperatureHigh", "target": "Phuket", "values": {"OnDelay": 5}}
    answer = colleague.request.post("/api/configuration/configure", data=asked)
    assert answer.status == 200
    assert answer.json() == {"fault": "You are not allowed to do this."}
