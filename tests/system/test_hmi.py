"""The HMI in a real browser against the whole program: what an operator sees, and what nobody may."""

from __future__ import annotations

import json
import re
import signal
import urllib.error
import urllib.request

import pytest
import simulate
from hmipage import SECONDS, changes, log_in
from playwright.sync_api import Browser, Page, StorageState, expect
from program import Voltkeep
from userscommand import one_time, user

pytestmark = pytest.mark.browser

JAR = "Bangrak/UPS-1/S03/J07"
# Something is simulated, and the badge says how many alarms of the plant are active.
BADGE_COUNTS_THE_PLANT = """async () => {
  const { alarms } = await (await fetch('/api/snapshot?key=alarms/')).json();
  const count = alarms.filter((a) => a.active && !a.simulated && !a.held && !a.branch).length;
  const badge = document.getElementById('vk-alarms');
  const said = badge.hidden ? 0 : Number(badge.textContent.split(' ')[0]);
  return alarms.some((a) => a.simulated) && said === count;
}"""
ALARM_PAGES = ("/alarms", *(f"/alarms/{name}" for name in ("incidents", "held", "journal", "performance")))


def test_wrong_password_is_refused_in_words(browser: Browser, voltkeep: Voltkeep) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, voltkeep, "not-the-password")
        expect(page.get_by_role("alert")).to_contain_text("User name or password is wrong.")
        assert not [cookie for cookie in context.cookies() if "session" in str(cookie.get("name"))]


def test_a_one_time_password_is_changed_before_anything_else(browser: Browser, voltkeep: Voltkeep) -> None:
    added = user(voltkeep, "add", "Kanya", "--role", "Operator", password=voltkeep.admin_password)
    first, own = one_time(added), "long enough for Kanya"
    with browser.new_context(base_url=voltkeep.hmi_url) as context:
        page = context.new_page()
        log_in(page, voltkeep, first, "Kanya", next="/alarms")
        expect(page.get_by_text("Choose one of your own")).to_be_visible()
        page.goto("/")
        expect(page).to_have_url(f"{voltkeep.hmi_url}/password?next=/")
        assert page.request.get("/api/session").status == 401
        page.goto("/password?next=/alarms")
        for new, again, fault in (
            ("short", "short", "does not follow the rules"),
            (own, own + "!", "differ"),
            (first, first, "is the old one"),
        ):
            fill_in_passwords(page, first, new, again)
            expect(page.get_by_role("alert")).to_contain_text(fault)
        fill_in_passwords(page, "not the old one", own, own)
        expect(page.get_by_role("alert")).to_contain_text("The old password is wrong.")
        fill_in_passwords(page, first, own, own)
        expect(page).to_have_url(f"{voltkeep.hmi_url}/alarms")
        expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
        assert page.request.get("/api/session").json()["user"] == "Kanya"
        page.get_by_role("link", name="Kanya").click()
        page.get_by_role("link", name="Change password").click()
        expect(page.get_by_label("Old password")).to_be_visible()
        page.get_by_role("button", name="Back").click()
        expect(page).to_have_url(re.compile(re.escape(voltkeep.hmi_url) + r"/\??$"))
    assert user(voltkeep, "remove", "Kanya", password=voltkeep.admin_password).returncode == 0


def fill_in_passwords(page: Page, old: str, new: str, again: str) -> None:
    """Fill in the form for a new password and send it."""
    page.get_by_label("Old password").fill(old)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password again").fill(again)
    page.get_by_role("button", name="Change password").click()


def test_the_map_leads_to_every_site(page: Page) -> None:
    page.goto("/")
    marks = page.locator("#vk-map a")
    expect(marks).to_have_count(9)
    bangkok = page.locator("#vk-map .vk-map-inset").bounding_box()
    bangrak = page.get_by_role("link", name=re.compile("^Bangrak: ")).bounding_box()
    assert bangkok is not None
    assert bangrak is not None
    assert bangkok["x"] < bangrak["x"] < bangkok["x"] + bangkok["width"]
    page.get_by_role("link", name=re.compile("^Phuket: ")).click()
    expect(page).to_have_url(re.compile("/site/Phuket$"))


def test_nothing_without_a_session(browser: Browser, voltkeep: Voltkeep) -> None:
    with browser.new_context(base_url=voltkeep.hmi_url) as context:
        page = context.new_page()
        page.goto("/site/Bangrak")
        expect(page).to_have_url(re.compile(r"/login\?next=/site/Bangrak"))
    for path in ("/api/snapshot?key=fleet", f"/api/explain?jar={JAR}", "/_nicegui_ws/socket.io/"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(voltkeep.hmi_url + path, timeout=10)
        assert refused.value.code == 401
        refused.value.close()


def test_session_cookie_is_out_of_reach_of_scripts(logged_in: StorageState) -> None:
    (cookie,) = (c for c in logged_in.get("cookies", []) if c.get("name") == "voltkeep_session")
    assert cookie.get("httpOnly")
    assert cookie.get("sameSite") in ("Lax", "Strict")


def test_fleet_shows_every_site_live(page: Page) -> None:
    page.goto("/")
    cards = page.locator(".vk-card")
    expect(cards).to_have_count(9)
    expect(page.locator("#vk-link")).to_contain_text("Connected")
    bangrak = page.locator('[data-site="Bangrak"]')
    expect(bangrak).to_contain_text("216 jars")
    expect(bangrak).to_contain_text("Present")
    changes(page, "#vk-server")


def test_site_shows_every_jar_and_they_change(page: Page) -> None:
    page.goto("/site/Bangrak")
    page.wait_for_selector(".ag-row")
    rows = page.evaluate("document.querySelector('.ag-root').getAttribute('aria-rowcount')")
    assert int(rows) == 216 + 1
    changes(page, '.ag-row[row-index="0"] [col-id="Voltage"]')
    drawn = page.locator("#vk-map").bounding_box()
    assert drawn is not None
    assert drawn["width"] > 400


def test_a_jar_is_opened_by_keyboard(page: Page) -> None:
    page.goto("/site/Bangrak")
    page.wait_for_selector(".ag-row")
    page.locator("#vk-map").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#vk-cell")).to_contain_text("S02 J02")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/jar/Bangrak/UPS-1/S02/J02$"))


def test_table_is_filtered(page: Page) -> None:
    page.goto("/site/Bangrak")
    page.wait_for_selector(".ag-row")
    page.get_by_label("Filter").fill("J24")
    expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(9)


def test_an_alarm_that_is_gone_is_refused_in_words(page: Page) -> None:
    page.goto("/alarms")
    answer = page.evaluate(
        """fetch('/api/alarms/acknowledge', {method: 'POST', headers: {'content-type': 'application/json'},
           body: JSON.stringify({keys: ['Nowhere#Nothing'], comment: ''})}).then(a => a.json())"""
    )
    gone = "The alarm is gone."
    refused = [{"fault": gone, "by": "", "count": 1}]
    assert answer == {"done": 0, "failed": {"Nowhere#Nothing": gone}, "refused": refused}


def test_unknown_parts_are_said_to_be_unknown(page: Page) -> None:
    answer = page.goto("/")
    assert answer is not None
    for key in ("site/Atlantis", "jar/Bangrak/UPS-1/S03/J99", "alarms/Atlantis", "nonsense"):
        assert page.request.get("/api/snapshot", params={"key": key}).status == 404


def test_figures_ages_and_status_in_words(page: Page) -> None:
    page.goto("/")
    page.wait_for_selector(".vk-card")
    said = page.evaluate(
        """import('/assets/base.js').then(m => [
             m.figure(1944), m.figure(-0.12, 2), m.figure(null),
             m.ageText(3.2), m.ageText(600), m.ageText(NaN),
             m.quality(0), m.quality(0x40900000), m.quality(0x80310000),
             m.statusText(0x80310000), m.statusText(0x40900000)])"""
    )
    assert said == [
        "1\u202f944",
        "\u22120.12",
        "–",
        "3 s",
        "10 min",
        "–",
        "good",
        "uncertain",
        "bad",
        "No communication",
        "Last usable value",
    ]


def test_what_is_simulated_is_said_so_wherever_it_shows(page: Page, voltkeep: Voltkeep) -> None:
    site, jar = "Hat Yai", "Hat Yai/UPS-1/S01/J02"
    banner = page.locator("#vk-simulation")
    page.goto("/")
    page.wait_for_selector(".vk-card")
    expect(banner).to_be_hidden()
    number = simulate.start(voltkeep, "TemperatureSpike", jar, Rise=25.0)
    try:
        expect(banner).to_contain_text("SIMULATION", timeout=10 * SECONDS)
        expect(banner).to_contain_text("TemperatureSpike · Hat Yai UPS-1 S01 J02 · since")
        expect(page.locator("#vk-totals .simulated").first).to_contain_text("S")
        for path in (f"/site/{site}", f"/jar/{jar}", "/alarms"):
            page.goto(path)
            expect(banner).to_contain_text("TemperatureSpike")
        page.goto(f"/jar/{jar}")
        expect(page.locator("#vk-values tr", has_text="Excess temperature")).to_contain_text("S")
        expect(page.locator("#vk-values tr", has_text="Voltage").first).to_contain_text("Simulated value")
        for path in ("/site/Bangrak", f"/jar/{jar[:-1]}3"):
            page.goto(path)
            expect(page.locator("#vk-link")).to_contain_text("Connected")
            expect(banner).to_be_hidden()
        page.goto("/language?to=th")
        page.goto(f"/jar/{jar}")
        expect(banner).to_contain_text("การจำลอง")
    finally:
        simulate.stop(voltkeep, number)
    expect(banner).to_be_hidden(timeout=10 * SECONDS)
    expect(page.locator("#vk-values .simulated")).to_have_count(0)


def test_set_points_and_sensors_are_shown(page: Page) -> None:
    page.goto("/site/Bangrak")
    expect(page.locator("#vk-systems table").nth(2)).to_contain_text("2.275")
    expect(page.locator('.ag-row[row-index="0"] [col-id="SensorState"]')).to_contain_text("Normal")
    page.goto(f"/jar/{JAR}")
    expect(page.locator("#vk-values tr", has_text="Sensors")).to_contain_text("Normal")


def test_thai_and_back(page: Page) -> None:
    page.goto("/alarms")
    page.get_by_role("link", name="ไทย").click()
    expect(page.get_by_role("heading", name="สัญญาณเตือน")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/alarms$"))
    page.get_by_role("link", name="EN", exact=True).click()
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()


def test_works_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", "/site/Bangrak", f"/jar/{JAR}", *ALARM_PAGES):
        page.goto(path)
        page.wait_for_selector(".vk-panel")
        expect(page.locator("#vk-link")).to_contain_text("Connected")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"


def test_a_silent_server_is_said_to_be_away_and_comes_back(page: Page, voltkeep: Voltkeep) -> None:
    page.goto("/site/Bangrak")
    page.wait_for_selector(".ag-row")
    voltkeep.process.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator("html")).to_have_attribute("data-link", "away", timeout=3 * SECONDS)
        expect(page.locator("#vk-banner")).to_contain_text("Not live since")
    finally:
        voltkeep.process.send_signal(signal.SIGCONT)
    expect(page.locator("html")).to_have_attribute("data-link", "up", timeout=30 * SECONDS)
    changes(page, '.ag-row[row-index="0"] [col-id="Voltage"]')


def test_log_out_ends_the_session(browser: Browser, voltkeep: Voltkeep) -> None:
    with browser.new_context(base_url=voltkeep.hmi_url) as context:
        page = context.new_page()
        log_in(page, voltkeep, voltkeep.admin_password)
        expect(page).to_have_url(f"{voltkeep.hmi_url}/")
        before = context.cookies()
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(f"{voltkeep.hmi_url}/login")
        context.add_cookies([cookie for cookie in before if cookie.get("name") == "voltkeep_session"])  # type: ignore[misc]
        assert page.request.get("/api/session").status == 401


def test_alarms_are_acknowledged_with_a_comment(page: Page) -> None:
    page.goto("/alarms")
    first = page.locator(".ag-center-cols-container .ag-row.vk-new").first
    first.wait_for(timeout=90 * SECONDS)  # a state of health alarm waits for its on-delay
    key = first.get_attribute("row-id")
    first.click()
    page.get_by_label("Comment").fill("Looked at it")
    page.get_by_role("button", name="Acknowledge (1)").click()
    expect(page.locator("#vk-result")).to_contain_text("1 acknowledged.")
    # It now stands below all that still waits: the filter brings it into view.
    page.get_by_label("Filter").fill("Looked at it")
    row = page.locator(f".ag-center-cols-container .ag-row[row-id={json.dumps(key)}]")
    expect(row).to_contain_text("Looked at it")
    expect(row).not_to_have_class(re.compile("vk-new"))


def test_the_pages_of_alarms_are_reached_by_keyboard_and_say_so(page: Page) -> None:
    page.goto("/alarms")
    for name in ("Incidents", "Held back", "Journal", "Performance"):
        tabs = page.get_by_role("navigation", name="Alarms")
        link = tabs.get_by_role("link", name=name)
        link.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=name, exact=True).first).to_be_visible()
        expect(tabs.locator("[aria-current=page]")).to_have_text(name)
        expect(page.locator("#vk-link")).to_contain_text("Connected")
        expect(page.locator(".vk-fault")).to_have_count(0)


def test_figures_stand_beside_what_they_should_be(page: Page) -> None:
    page.goto("/alarms/performance")
    row = page.locator("#vk-against tr", has_text="Alarms in 24 h").first
    expect(row.locator("td").nth(1)).to_have_text("150")
    expect(row.locator("td").nth(2)).to_have_text("300")
    expect(row.locator("td").last).to_have_text(re.compile("Acceptable|Manageable|Too much|Not known yet"))
    expect(page.locator("#vk-priorities .vk-barrow")).to_have_count(4)
    expect(page.locator("#vk-totals")).to_contain_text("Alarm rate")


def test_simulated_alarms_are_listed_and_marked_but_are_none_of_the_plant(
    page: Page, voltkeep: Voltkeep
) -> None:
    page.goto("/alarms")
    number = simulate.start(voltkeep, "TemperatureSpike", "Hat Yai/UPS-1/S01", Rise=18.0)
    try:
        page.get_by_label("Filter").fill("SIMULATION Hat Yai UPS-1 S01")
        expect(page.locator(".ag-center-cols-container .ag-row").nth(3)).to_be_visible(timeout=20 * SECONDS)
        page.wait_for_function(BADGE_COUNTS_THE_PLANT)
        page.goto("/alarms/incidents")
        incident = page.locator(".vk-incidents tr", has_text="Hat Yai").first
        expect(incident).to_contain_text("Simulated")
        incident.get_by_role("button").first.press("Enter")
        expect(page.locator(".vk-inside tbody tr").nth(3)).to_be_visible()
        expect(page.locator(".vk-inside")).to_contain_text("First out")
    finally:
        simulate.stop(voltkeep, number)


def test_the_journal_is_asked_by_words_and_place(page: Page, voltkeep: Voltkeep) -> None:
    page.goto("/alarms/journal")
    page.get_by_label("Events").select_option("All")
    expect(page.locator(".ag-center-cols-container .ag-row").first).to_be_visible()
    page.get_by_label("Words").fill("no such words anywhere")
    page.keyboard.press("Enter")
    expect(page.locator("#vk-result")).to_have_text("0 events")
    for wrong in ("from=x", "severity=1001", "from=9&to=5"):
        assert page.request.get(f"/api/journal?{wrong}").status == 400
    assert page.request.get("/api/journal?path=Atlantis").status == 404


def test_nonsense_is_no_action(page: Page) -> None:
    page.goto("/alarms")
    for action, body in (
        ("explode", {"keys": []}),
        ("shelve", {"keys": [], "seconds": -1}),
        ("comment", {"keys": "all"}),
        ("comment", {"keys": [], "comment": "x" * 501}),
        ("comment", []),
    ):
        assert page.request.post(f"/api/alarms/{action}", data=body).status == 400
    unknown = page.request.post("/api/alarms/shelve", data={"keys": ["Nowhere#Nothing"], "seconds": 60})
    assert unknown.json()["failed"] == {"Nowhere#Nothing": "The alarm is gone."}


def test_an_alarm_is_shelved_listed_as_held_back_and_brought_back(page: Page) -> None:
    key = "Fleet#HistoryBehind"  # quiet, and shelved all the same
    asked = {"keys": [key], "seconds": 1800, "comment": "Works on the database"}
    assert page.request.post("/api/alarms/shelve", data=asked).json()["done"] == 1
    refused = page.request.post("/api/alarms/shelve", data={**asked, "seconds": 1e9}).json()
    assert refused["failed"] == {key: "It may not be shelved for so long."}
    page.goto("/alarms/held")
    row = page.locator(".ag-center-cols-container .ag-row", has_text="HistoryBehind")
    expect(row).to_contain_text("Shelved")
    expect(row).to_contain_text("Works on the database")
    expect(row).to_contain_text("admin")
    row.click()
    page.get_by_role("button", name="Unshelve (1)").press("Enter")
    expect(page.locator("#vk-result")).to_contain_text("1 unshelved.")
    expect(row).to_have_count(0, timeout=10 * SECONDS)


def test_how_long_to_shelve_is_asked_with_the_keyboard(page: Page) -> None:
    page.goto("/alarms")
    first = page.locator(".ag-center-cols-container .ag-row").first
    first.wait_for(timeout=90 * SECONDS)
    key = first.get_attribute("row-id")
    first.click()
    expect(page.get_by_label("The alarm in full")).to_contain_text("What to do")
    page.get_by_role("button", name="Shelve (1)").press("Enter")
    dialog = page.get_by_role("dialog", name="Shelve for how long?")
    expect(dialog.get_by_role("radio", name="30 min")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("radio", name="2 h")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("#vk-result")).to_contain_text("1 shelved.")
    page.get_by_role("radio", name="Shelved or suppressed").click()
    row = page.locator(f".ag-center-cols-container .ag-row[row-id={json.dumps(key)}]")
    expect(row).to_contain_text("Shelved, still")
    row.click()
    page.get_by_role("button", name="Unshelve (1)").click()
    expect(page.locator("#vk-result")).to_contain_text("1 unshelved.")


def test_an_administrator_looks_after_users(browser: Browser, page: Page, voltkeep: Voltkeep) -> None:
    page.goto("/system/users")
    page.locator("#vk-name").fill("Somchai")
    page.locator("#vk-role").select_option("Operator")
    page.get_by_role("button", name="Add user").click()
    password = page.locator("#vk-once code").inner_text()
    somchai = page.locator("tr[data-user=Somchai]")
    expect(somchai).to_contain_text("has a one-time password")
    page.get_by_label("Role: Somchai").select_option("Viewer")
    expect(page.locator("#vk-result")).to_have_text("Done.")
    expect(page.get_by_label("Role: Somchai")).to_have_value("Viewer")
    page.get_by_label("Role: admin").select_option("Viewer")
    expect(page.locator("#vk-result")).to_contain_text("The last administrator stays one.")
    with browser.new_context(base_url=voltkeep.hmi_url) as context:
        own = "long enough for Somchai"
        theirs = context.new_page()
        log_in(theirs, voltkeep, password, "Somchai")
        fill_in_passwords(theirs, password, own, own)
        theirs.goto("/system")
        expect(theirs.get_by_text("Only administrators see the sessions.")).to_be_visible()
        expect(theirs.get_by_role("link", name="Users")).to_be_hidden()
        theirs.goto("/system/users")
        expect(theirs.locator("#vk-result")).to_contain_text("You are not allowed to do this.")
        theirs.goto("/alarms")
        expect(theirs.get_by_role("button", name="Acknowledge")).to_be_hidden()
        theirs.goto("/system")
        page.get_by_role("button", name="Disable: Somchai").click()
        expect(somchai).to_contain_text("Disabled")
        theirs.reload()
        expect(theirs).to_have_url(re.compile("/login"))
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove: Somchai").click()
    expect(somchai).to_have_count(0)
    page.goto("/system/audit")
    page.get_by_label("Filter").fill("remove user")
    expect(page.locator("#vk-grid")).to_contain_text("Somchai")


def test_connections_tell_of_the_server_and_its_sessions(page: Page) -> None:
    page.goto("/system")
    expect(page.locator("#vk-sessions tbody tr").first).to_be_visible()
    mine = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="admin")).first
    expect(mine).to_contain_text("SignAndEncrypt")
    expect(page.locator("#vk-historian")).to_contain_text("Writing")
    expect(page.locator("#vk-about")).to_contain_text("Voltkeep")


def test_an_engineer_starts_adjusts_and_stops_a_simulation(page: Page) -> None:
    page.goto("/simulation")
    page.locator("#vk-scenario").select_option("TemperatureSpike")
    for level, part in (("Site", "Phuket"), ("System", "UPS-1"), ("String", "S02"), ("Jar", "J05")):
        page.get_by_label(level, exact=True).select_option(part)
    page.get_by_role("button", name="Start", exact=True).click()
    row = page.get_by_role("row", name=re.compile("^TemperatureSpike Phuket UPS-1 S02 J05"))
    expect(row).to_be_visible()
    expect(page.locator("#vk-simulation")).to_contain_text("TemperatureSpike")
    row.get_by_role("button", name=re.compile("^Adjust")).click()
    page.locator("#vk-running form").get_by_label("Rise").fill("1000")
    page.locator("#vk-running form").evaluate("form => (form.noValidate = true)")
    page.locator("#vk-running form").get_by_role("button", name="Adjust").click()
    expect(page.locator("#vk-result")).to_contain_text("out of its range")
    row.get_by_role("button", name=re.compile("^Stop")).click()
    expect(row).to_have_count(0)


def test_a_scenario_is_built_of_steps(page: Page) -> None:
    page.goto("/simulation")
    page.locator("#vk-scenario-name").fill("WarmAndDark")
    page.locator("#vk-scenario-text").fill("Warm rooms, then an outage")
    first, second = page.locator(".vk-step").first, page.locator(".vk-step").nth(1)
    first.get_by_label("Scenario").select_option("HvacFailure")
    page.get_by_role("button", name="Add step").click()
    second.get_by_label("Scenario").select_option("PowerOutage")
    second.get_by_label("Begins after [min]").fill("30")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#vk-own")).to_contain_text("WarmAndDark")
    page.locator("#vk-scenario").select_option("WarmAndDark")
    expect(page.locator("#vk-what")).to_contain_text("Warm rooms, then an outage")
    page.get_by_role("button", name="Remove: WarmAndDark").click()
    expect(page.locator("#vk-own")).not_to_contain_text("WarmAndDark")
