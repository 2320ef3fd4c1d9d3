"""The HMI when something fails: it says so within three seconds, marks what is old, comes back alone."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from hmipage import SECONDS
from ownhmi import Link, OwnHmi, own_hmi
from playwright.sync_api import Browser, Page, expect
from program import ADMIN_PASSWORD, CHECKOUT, command, environment, free_ports

from config.settings import HERE

pytestmark = pytest.mark.browser

SAID_WITHIN = 3 * SECONDS
BACK_WITHIN = 20 * SECONDS
WATCH = """() => {
  const root = document.documentElement;
  const look = () => (window.wasAway ||= root.dataset.link === "away");
  new MutationObserver(look).observe(root, { attributes: true });
}"""
ACT = """action => fetch(`/api/alarms/${action}`, {
  method: 'POST',
  headers: {'content-type': 'application/json'},
  body: JSON.stringify({keys: ['Fleet#HistoryBehind'], seconds: 60, comment: ''}),
}).then(a => a.json())"""


@dataclass
class Plant:
    """A server that can be killed and started again, and an HMI elsewhere that reaches it through a link."""

    home: Path
    port: int
    links: list[Link] = field(default_factory=list)
    server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """The server, without waiting for it."""
        settings = {
            "VOLTKEEP_OPCUA_PORT": str(self.port),
            "VOLTKEEP_SIMULATOR_PAST_DAYS": "0",
            "VOLTKEEP_DEMO": "0",
            "VOLTKEEP_FLEET": str(self.home.with_name("fleet.yaml")),
        }
        with self.home.with_suffix(".log").open("ab") as log:
            self.server = subprocess.Popen(
                command("server"),
                cwd=CHECKOUT,
                env=environment(self.home, **settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """As a crash does."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()


def one_string() -> str:
    """The shipped fleet cut down to a string, which starts sooner."""
    fleet = yaml.safe_load((HERE / "fleet.yaml").read_text(encoding="utf-8"))
    bangrak = fleet["sites"]["Bangrak"]
    system = bangrak["systems"]["UPS-1"]
    system = {**system, "strings": {"S01": system["strings"]["S01"]}}
    return yaml.safe_dump(
        {**fleet, "jars": {}, "sites": {"Bangrak": {**bangrak, "systems": {"UPS-1": system}}}}
    )


@contextmanager
def _plant() -> Iterator[Plant]:
    with TemporaryDirectory(prefix="voltkeep-") as directory:
        Path(directory).chmod(0o755)
        plant = Plant(Path(directory) / "home", free_ports(1)[0])
        plant.home.with_name("fleet.yaml").write_text(one_string())
        plant.start()
        try:
            yield plant
        finally:
            assert plant.server is not None
            plant.server.terminate()
            plant.server.wait(30)


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    """One for all tests; each leaves it as it was."""
    with _plant() as plant:
        yield plant


@pytest.fixture(scope="module")
def link(plant: Plant) -> Iterator[Link]:
    """Between HMI and server."""
    link = Link(plant.port)
    yield link
    link.close()


@pytest.fixture(scope="module")
def hmi(plant: Plant, link: Link) -> Iterator[OwnHmi]:
    """The HMI behind the link."""
    with own_hmi(plant.home, link.port, VOLTKEEP_DEMO="0") as hmi:
        yield hmi


@pytest.fixture(scope="module")
def near(hmi: OwnHmi) -> Iterator[Link]:
    """Between browser and HMI."""
    link = Link(int(hmi.url.rsplit(":", 1)[1]))
    yield link
    link.close()


@pytest.fixture(scope="module")
def page(browser: Browser, near: Link) -> Iterator[Page]:
    """An administrator's page of a site, live all the time; nobody loads it again."""
    with browser.new_context(base_url=f"http://127.0.0.1:{near.port}") as context:
        page = context.new_page()
        page.set_default_timeout(30 * SECONDS)
        page.goto("/login?next=/site/Bangrak")
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(ADMIN_PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_selector(".ag-row")
        live(page)
        yield page


def live(page: Page) -> None:
    """Wait until the page is live, and the user's own session acts without a new log-in."""
    expect(page.locator("html")).to_have_attribute("data-link", "up", timeout=2 * BACK_WITHIN)
    expect(page.locator("#vk-banner")).to_be_hidden()
    expect(page).to_have_url(re.compile("/site/Bangrak$"))
    page.evaluate(ACT, "unshelve")  # what was asked for while the way was cut may have got there since
    assert page.evaluate(ACT, "shelve") == {"done": 1, "failed": {}, "refused": []}
    assert page.evaluate(ACT, "unshelve") == {"done": 1, "failed": {}, "refused": []}


def said(page: Page, link: str, words: str, within: float = SAID_WITHIN) -> None:
    """The page says what is wrong, and shows no value as live."""
    expect(page.locator("html")).to_have_attribute("data-link", link, timeout=within)
    expect(page.locator("#vk-banner")).to_contain_text(words, timeout=within)
    expect(page.locator("#vk-server")).to_have_text("--:--:--")


def tasks(hmi: OwnHmi, page: Page) -> int:
    """How many tasks the HMI has."""
    text = page.request.get(f"{hmi.url}/metrics").text()
    found = re.search(r"^voltkeep_hmi_tasks (\d+)$", text, re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_a_cut_network_is_said_and_mends_by_itself(page: Page, link: Link, hmi: OwnHmi) -> None:
    before = tasks(hmi, page)
    for _ in range(2):
        link.cut()
        said(page, "away", "The OPC UA server does not answer.")
        assert page.evaluate(ACT, "shelve") == {"fault": "The OPC UA server does not answer."}
        link.mend()
        live(page)
    page.evaluate(WATCH)  # away for a second only, which a look now and then can miss
    link.break_off()
    page.wait_for_function("window.wasAway")
    live(page)
    deadline = time.monotonic() + 10
    while tasks(hmi, page) > before + 3 and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    assert tasks(hmi, page) <= before + 3


def test_a_slow_server_is_said_and_nothing_of_it_taken_for_live(page: Page, link: Link) -> None:
    link.delay = 4.0
    said(page, "away", "The OPC UA server does not answer.")
    link.delay = 0.0
    live(page)


def test_a_cut_between_browser_and_hmi_is_said_and_mends_by_itself(page: Page, near: Link) -> None:
    near.cut()
    said(page, "lost", "No connection to the HMI", within=3.5 * SECONDS)
    near.mend()
    live(page)


def expire(certificate: Path, key: Path) -> bytes:
    """Put an expired certificate of the same key in place, as if brought; the one that was there."""
    before = certificate.read_bytes()
    old = x509.load_der_x509_certificate(before)
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "brought")])  # ours would be renewed
    builder = x509.CertificateBuilder(
        name,
        name,
        old.public_key(),
        x509.random_serial_number(),
        now - dt.timedelta(days=9),
        now - dt.timedelta(days=1),
        list(old.extensions),
    )
    made = builder.sign(private, hashes.SHA256())  # type: ignore[arg-type]
    certificate.write_bytes(made.public_bytes(serialization.Encoding.DER))
    return before


def test_an_expired_certificate_of_the_hmi_is_said(page: Page, plant: Plant, link: Link) -> None:
    folder = plant.home / "hmi"
    good = expire(folder / "client.der", folder / "client.key.pem")
    link.break_off()
    said(page, "away", "The certificate of this HMI has expired.")
    (folder / "client.der").write_bytes(good)
    live(page)


def test_a_killed_server_and_its_expired_certificate_are_said(page: Page, plant: Plant, link: Link) -> None:
    own = plant.home / "pki" / "own"
    polling = page.context.new_page()
    polling.clock.install()
    polling.goto("/alarms/held")  # which reads its list again every ten seconds
    expect(polling.locator("html")).to_have_attribute("data-link", "up", timeout=BACK_WITHIN)
    plant.kill()
    said(page, "away", "The OPC UA server does not answer.")
    said(polling, "away", "The OPC UA server does not answer.")
    asked: list[str] = []
    polling.on("request", lambda request: asked.append(request.url))
    polling.clock.fast_forward(15_000)
    assert not [url for url in asked if "/api/held" in url], "nobody can answer, and the console would fill"
    polling.close()
    good = (own / "own.der").read_bytes()
    expire(own / "own.der", own / "own.key.pem")
    plant.start()
    said(page, "away", "The certificate of the OPC UA server has expired.", within=90 * SECONDS)
    plant.kill()
    (own / "own.der").write_bytes(good)
    plant.start()
    expect(page.locator("html")).to_have_attribute("data-link", "up", timeout=90 * SECONDS)
    live(page)


def test_an_hmi_that_dies_is_said_and_leads_to_the_log_in(
    page: Page, plant: Plant, link: Link, hmi: OwnHmi
) -> None:
    hmi.kill()
    said(page, "lost", "No connection to the HMI", within=3.5 * SECONDS)
    port = int(hmi.url.rsplit(":", 1)[1])
    with own_hmi(plant.home, link.port, port, VOLTKEEP_DEMO="0"):
        expect(page).to_have_url(re.compile(r"/login\?(ended=1&)?next="), timeout=30 * SECONDS)
        expect(page.get_by_label("User name")).to_be_visible()
