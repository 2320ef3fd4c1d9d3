"""What protects the HMI, against the whole program: who may do what, cookies, time-outs, and attackers."""

from __future__ import annotations

import http.client
import json
import math
import re
import socket
import ssl
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlparse

import pytest
from fastapi import FastAPI
from hmipage import SECONDS, log_in
from ownhmi import OwnHmi, own_hmi
from playwright.sync_api import Browser, expect
from program import Voltkeep
from userscommand import one_time, user
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from hmi.accounts import Accounts
from hmi.actions import ACTIONS
from hmi.app import add_routes
from hmi.live import Live

pytestmark = pytest.mark.browser

FORM = "application/x-www-form-urlencoded"
VIEWER, PASSWORD = "Malee", "long enough for Malee"
TIMEOUT = 12.0  # s, of a Viewer at the encrypted HMI
JAR = "Bangrak/UPS-1/S03/J07"
ALARM = {"keys": ["Fleet#HistoryBehind"], "comment": "not mine to say", "seconds": 60}
STEP = {"kind": "Cell_Fault", "target": JAR, "begin": 0, "duration": 60, "parameters": {}}
# What a Viewer sends to each route that acts, and which of its actions there are.
ACTS: dict[str, dict[str, dict[str, Any]]] = {
    "/api/alarms/{action}": dict.fromkeys(sorted(ACTIONS), ALARM),
    "/api/incident/acknowledge": {"": {"id": "nothing", "comment": ""}},
    "/api/users/{action}": {
        "add": {"name": "Mallory", "role": "Admin"},
        "reset": {"name": "admin"},
        "role": {"name": VIEWER, "role": "Admin"},
        "enable": {"name": VIEWER},
        "disable": {"name": "admin"},
        "remove": {"name": "admin"},
    },
    "/api/configuration/{action}": {
        "configure": {"condition": "VoltageHigh", "target": "Bangrak", "values": {"OnDelay": 1}},
        "reset": {"condition": "", "target": ""},
    },
    "/api/reports/deliver": {"": {"name": "nothing"}},
    "/api/record/{action}": {
        "work": {"assets": [JAR], "kind": "Replacement", "began": 1_760_000_000_000},
        "test": {
            **{"assets": [JAR], "began": 1_760_000_000_000, "ended": 1_760_036_000_000},
            **{"current": 12, "end_voltage": 10.8, "temperature": 25, "capacity": 120},
        },
    },
    "/api/models/{action}": {
        "publish": {"version": "twin", "comment": ""},
        "rollback": {"comment": ""},
        "retire": {"version": "twin", "comment": ""},
        "shadow": {"version": "twin"},
        "retrain": {"source": "", "comment": ""},
        "cancel": {"job": "1"},
    },
    "/api/simulation/{action}": {
        "start": {"scenario": "Mains_Outage", "target": "Bangrak", "duration": 60, "parameters": {}},
        "stop": {"id": "1"},
        "adjust": {"id": "1", "parameters": {}},
        "define": {"name": "Mine", "description": "", "steps": [STEP]},
        "remove": {"name": "Mine"},
    },
}
# Whoever is logged in may do these, for themselves.
OF_EVERYBODY = {
    "/login",
    "/logout",
    "/password",
    "/preferences/keep",
    "/api/activity",
    "/api/export",
    "/api/report",
}


@dataclass
class Visitor:
    """A client without a browser: it sends what it likes."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def send(
        self, method: str, path: str, body: str | bytes = b"", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of the answer."""
        parts = urlparse(self.url)
        host, port = str(parts.hostname), parts.port
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line = (
            http.client.HTTPSConnection(host, port, timeout=20, context=context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=20)
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        line.request(method, path, body, {**self.headers, **named})
        answer = line.getresponse()
        content = answer.read()
        line.close()
        return answer.status, answer.headers, content

    def post(self, path: str, asked: Any) -> dict[str, Any]:
        """What the HMI answers to our own page's request; it must be words, not an error."""
        body = json.dumps(asked)
        status, _, content = self.send("POST", path, body, origin=self.url, content_type="application/json")
        assert status == 200, (path, status, content)
        return cast(dict[str, Any], json.loads(content))

    def log_in(self, name: str, password: str, **headers: str) -> http.client.HTTPMessage:
        """Log in, and keep the cookie; the headers of the answer."""
        form = urllib.parse.urlencode({"user": name, "password": password})
        status, answer, _ = self.send("POST", "/login", form, origin=self.url, content_type=FORM, **headers)
        assert status == 303, status
        self.headers["cookie"] = answer["set-cookie"].partition(";")[0]
        return answer

    def stream(self, **headers: str) -> ClientConnection:
        """The live stream, or what the HMI thinks of that."""
        named = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        address = self.url.replace("http", "ws", 1) + "/api/live?key=fleet"
        return connect(address, origin=None, additional_headers=named, open_timeout=20)


@pytest.fixture(scope="module")
def viewer(voltkeep: Voltkeep) -> Iterator[Visitor]:
    """A Viewer who has logged in."""
    added = user(voltkeep, "add", VIEWER, "--role", "Viewer", password=voltkeep.admin_password)
    visitor = Visitor(voltkeep.hmi_url)
    visitor.log_in(VIEWER, one_time(added))
    form = urllib.parse.urlencode({"old": one_time(added), "new": PASSWORD, "again": PASSWORD})
    before = visitor.headers["cookie"]
    status, answer, _ = visitor.send("POST", "/password", form, origin=visitor.url, content_type=FORM)
    assert status == 303
    visitor.headers["cookie"] = answer["set-cookie"].partition(";")[0]
    assert visitor.headers["cookie"] != before
    assert visitor.send("GET", "/api/session", cookie=before)[0] == 401  # the old token is dead
    yield visitor
    user(voltkeep, "remove", VIEWER, password=voltkeep.admin_password)


@pytest.fixture(scope="module")
def admin(voltkeep: Voltkeep) -> Visitor:
    """An administrator who has logged in."""
    visitor = Visitor(voltkeep.hmi_url)
    visitor.log_in("admin", voltkeep.admin_password)
    return visitor


def posts() -> set[str]:
    """Every address that takes a POST."""
    app = FastAPI()
    add_routes(app, cast(Live, None), cast(Accounts, None))
    return {str(getattr(r, "path", "")) for r in app.routes if "POST" in (getattr(r, "methods", None) or ())}


def test_every_route_that_acts_is_refused_to_a_viewer_in_words(viewer: Visitor, admin: Visitor) -> None:
    assert posts() == ACTS.keys() | OF_EVERYBODY  # a new one is thought about here
    began = math.ceil(time.time() * 1000)  # after the change of password that made this viewer
    for route, actions in ACTS.items():
        for action, asked in actions.items():
            answer = viewer.post(route.replace("{action}", action), asked)
            words = answer.get("fault") or " ".join(answer["failed"].values())
            assert not answer.get("done"), (route, action, answer)
            assert re.search(r"not allowed|is gone|not know|refused", words), (route, action, words)
    span = f"start={began}&end={began + 600_000}"
    status, _, trail = admin.send("GET", f"/api/audit?{span}")
    assert status == 200
    theirs = [row for row in json.loads(trail)["rows"] if row["user"] == VIEWER]
    done = [
        row for row in theirs if row["good"] and "Session" not in row["type"] and "Channel" not in row["type"]
    ]
    assert not done
    assert any(not row["good"] for row in theirs)  # the trail would know


def test_requests_of_other_sites_are_refused(viewer: Visitor) -> None:
    sent = {"content_type": "application/json"}
    for origin in (
        {"origin": "http://evil.example"},
        {},
        {"origin": "null"},
        {"sec_fetch_site": "same-site"},
    ):
        assert viewer.send("POST", "/api/activity", "{}", **sent, **origin)[0] == 403
    for kind in (FORM, "text/plain", "multipart/form-data; boundary=x"):
        assert viewer.send("POST", "/api/activity", "{}", origin=viewer.url, content_type=kind)[0] == 415
    assert (
        viewer.send("GET", "/_nicegui_ws/socket.io/?EIO=4&transport=polling", origin="http://evil")[0] == 403
    )


@pytest.mark.parametrize("folder", ["/assets/", "/_nicegui/3.18.0/static/", "/_nicegui/3.18.0/esm/"])
@pytest.mark.parametrize(
    "path", ["../app.py", "%2e%2e/app.py", "..%2fapp.py", "%2e%2e%2f%2e%2e%2fetc/passwd", "%00"]
)
def test_nobody_climbs_out_of_a_folder(voltkeep: Voltkeep, folder: str, path: str) -> None:
    parts = urlparse(voltkeep.hmi_url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20) as line:
        line.sendall(
            f"GET {folder}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert re.match(rb"HTTP/1.1 (307|400|401|404) ", answer), answer[:200]
    assert b"root:" not in answer
    assert b"uvicorn" not in answer


def test_what_is_too_long_is_not_kept(voltkeep: Voltkeep, viewer: Visitor) -> None:
    parts = urlparse(voltkeep.hmi_url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20) as line:
        line.sendall(f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\n".encode())
        sent = 0
        with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012
            while sent < 50_000_000:
                sent += line.send(b"X-More: " + b"x" * 60_000 + b"\r\n")
    with viewer.stream(Origin=viewer.url) as stream:
        stream.recv(10)
        with pytest.raises(ConnectionClosed):  # noqa: PT012
            stream.send("x" * 200_000)
            while True:
                stream.recv(10)


def test_a_stream_needs_origin_and_session_and_ends_with_it(voltkeep: Voltkeep) -> None:
    visitor = Visitor(voltkeep.hmi_url)
    for headers in ({"Origin": visitor.url}, {}):
        with pytest.raises(InvalidStatus):
            visitor.stream(**headers)
    visitor.log_in("admin", voltkeep.admin_password)
    for headers in ({}, {"Origin": "http://evil.example"}):
        with pytest.raises(InvalidStatus):
            visitor.stream(**headers)
    with visitor.stream(Origin=visitor.url) as stream:
        assert json.loads(stream.recv(10))["k"] == "state"
        visitor.send("POST", "/logout", origin=visitor.url, content_type=FORM)
        with pytest.raises(ConnectionClosed) as ended:  # noqa: PT012
            while True:
                stream.recv(10)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 4401
    assert visitor.send("GET", "/api/session")[0] == 401


def test_pages_of_whom_an_administrator_dismisses_are_locked(
    browser: Browser, voltkeep: Voltkeep, viewer: Visitor
) -> None:
    with browser.new_context(base_url=voltkeep.hmi_url) as context:
        page = context.new_page()
        log_in(page, voltkeep, PASSWORD, VIEWER, next="/alarms")
        expect(page.locator("#vk-link")).to_contain_text("Connected", timeout=20 * SECONDS)
        user(voltkeep, "role", VIEWER, "Operator", password=voltkeep.admin_password)
        expect(page).to_have_url(re.compile(r"/login\?ended=1&next=(/|%2F)alarms"), timeout=8 * SECONDS)
        expect(page.get_by_text("Your session has ended")).to_be_visible()
    user(voltkeep, "role", VIEWER, "Viewer", password=voltkeep.admin_password)


# -- an HMI that serves HTTPS by itself, for a proxy on this machine


@pytest.fixture(scope="module")
def encrypted(voltkeep: Voltkeep, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnHmi]:
    """Another HMI of the same server."""
    certificate, key = pem(voltkeep.home / "hmi", tmp_path_factory.mktemp("tls"))
    with own_hmi(
        voltkeep.home,
        urlparse(voltkeep.endpoint).port or 0,
        VOLTKEEP_HMI_TLS_CERTIFICATE=str(certificate),
        VOLTKEEP_HMI_TLS_KEY=str(key),
        VOLTKEEP_HMI_TRUSTED_PROXIES='["127.0.0.1"]',
        VOLTKEEP_HMI_TIMEOUTS=json.dumps({"Viewer": TIMEOUT / 60}),
    ) as hmi:
        yield hmi


def pem(folder: Path, target: Path) -> tuple[Path, Path]:
    """A certificate and its key, as a web server takes them."""
    certificate = target / "hmi.pem"
    certificate.write_text(ssl.DER_cert_to_PEM_cert((folder / "client.der").read_bytes()))
    return certificate, folder / "client.key.pem"


def test_over_https_cookies_are_of_this_host_and_browsers_stay(encrypted: OwnHmi, voltkeep: Voltkeep) -> None:
    visitor = Visitor(encrypted.url, {"cookie": "__Host-voltkeep_session=chosen-by-an-attacker"})
    answer = visitor.log_in("admin", voltkeep.admin_password)
    cookie = answer["set-cookie"].lower()
    assert cookie.startswith("__host-voltkeep_session=")
    assert "chosen" not in cookie
    assert {"httponly", "secure", "path=/", "samesite=lax"} <= set(cookie.split("; "))
    assert visitor.send("GET", "/api/session")[0] == 200
    assert "max-age=31536000" in visitor.send("GET", "/login")[1]["strict-transport-security"]
    plain = visitor.headers["cookie"].replace("__Host-", "")
    assert visitor.send("GET", "/api/session", cookie=plain)[0] == 401
    http_origin = encrypted.url.replace("https", "http")
    sent = {"content_type": "application/json", "origin": http_origin}
    assert visitor.send("POST", "/api/activity", "{}", **sent)[0] == 403


def test_guesses_are_counted_by_the_address_that_the_proxy_tells(
    encrypted: OwnHmi, voltkeep: Voltkeep
) -> None:
    def guess(name: str, address: str) -> int:
        visitor, form = Visitor(encrypted.url), urllib.parse.urlencode({"user": name, "password": "x"})
        sent = {"origin": encrypted.url, "content_type": FORM, "x_forwarded_for": address}
        return visitor.send("POST", "/login", form, **sent)[0]

    # The service account is refused before the server is asked: nobody is locked out there. The wait doubles.
    tried = 0
    while guess(f"somebody {tried}", "192.0.2.7") != 429:
        assert tried < 10
        tried += 1
        for _ in range(2):
            guess("hmi", "192.0.2.7")
    assert tried > 1
    Visitor(encrypted.url).log_in("admin", voltkeep.admin_password, x_forwarded_for="192.0.2.8")
    # At the other HMI nobody is trusted to tell it.
    stranger = Visitor(voltkeep.hmi_url)
    stranger.log_in("admin", voltkeep.admin_password, x_forwarded_for="192.0.2.7")


def test_a_page_left_alone_warns_and_is_locked(browser: Browser, encrypted: OwnHmi, viewer: Visitor) -> None:
    with browser.new_context(base_url=encrypted.url, ignore_https_errors=True) as context:
        page, other = context.new_page(), context.new_page()
        page.goto("/login?next=/system")
        page.get_by_label("User name").fill(VIEWER)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#vk-link")).to_contain_text("Connected", timeout=20 * SECONDS)
        other.goto("/alarms")
        warning = page.get_by_role("alertdialog")
        expect(warning).to_contain_text("Nothing was done here", timeout=2 * TIMEOUT * SECONDS)
        page.get_by_role("button", name="Stay logged in").press("Enter")
        expect(warning).to_have_count(0)
        assert page.evaluate("fetch('/api/session').then(a => a.json()).then(s => s.left)") > TIMEOUT - 3
        # However often the page itself asks: nobody is here, and both pages end.
        for each, path in ((page, "system"), (other, "alarms")):
            ended = re.compile(rf"/login\?ended=1&next=(/|%2F){path}")
            expect(each).to_have_url(ended, timeout=2 * TIMEOUT * SECONDS)
        expect(page.get_by_text("Your session has ended")).to_be_visible()
        assert page.request.get("/api/session").status == 401
