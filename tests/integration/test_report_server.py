"""Reports of a running server: asked for over OPC UA; by schedule into a folder and to a real mail server."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from asyncua import Client, ua
from notifyservers import LOOPBACK, Mailbox, mail_server
from opcuaserver import OpcUaTestServer, serve

from server.reports import delivery as module
from server.reports.deliveries import STATE_FILE

S = ua.StatusCodes
FORMATS = {"pdf": b"%PDF-", "xlsx": b"PK\x03\x04", "csv": "\ufeffแบตเตอรี่".encode()}
MANAGER = "Manager <manager@example.com>"
LONG_AGO = 1_600_000_000_000_000  # µs since 1970: scheduled then, so that a report is due at the start
COLUMNS = (
    "names", "every", "sites", "formats", "languages", "calendars", "places", "next", "due", "delivered",
    "outcomes", "errors",
)  # fmt: skip


async def call(server: OpcUaTestServer, client: Client, method: str, *texts: str) -> Any:
    """A method of the historian, with strings."""
    arguments = [ua.Variant(text, ua.VariantType.String) for text in texts]
    parent = client.get_node(server.node_id("Historian"))
    return await parent.call_method(server.node_id(f"Historian.{method}"), *arguments)


# -- asked for


@pytest.mark.parametrize("form", FORMATS)
async def test_a_report_is_made_over_opc_ua(server: OpcUaTestServer, admin: Client, form: str) -> None:
    file, handle = await call(server, admin, "MakeReport", "", "Bangrak", form, "th", "buddhist")
    read, of = ua.NodeId(ua.ObjectIds.FileType_Read), ua.Variant(handle, ua.VariantType.UInt32)
    some, data = ua.Variant(1_000_000, ua.VariantType.Int32), b""
    while part := await admin.get_node(file).call_method(read, of, some):
        data += part
    assert data.startswith(FORMATS[form])
    assert len(data) > 1000


@pytest.mark.parametrize(
    ("argument", "asked", "code"),
    [
        (0, ("9000-01", "", "pdf", "", ""), S.BadOutOfRange),
        (0, ("October", "", "pdf", "", ""), S.BadOutOfRange),
        (1, ("", "Nowhere", "pdf", "", ""), S.BadNodeIdUnknown),
        (2, ("", "", "parquet", "", ""), S.BadOutOfRange),
        (3, ("", "", "pdf", "de", ""), S.BadOutOfRange),
        (4, ("", "", "pdf", "", "julian"), S.BadOutOfRange),
    ],
)
async def test_a_report_that_there_is_not_is_refused_naming_the_argument(
    server: OpcUaTestServer, admin: Client, argument: int, asked: tuple[str, ...], code: int
) -> None:
    wanted = ua.CallMethodRequest(server.node_id("Historian"), server.node_id("Historian.MakeReport"))
    wanted.InputArguments = [ua.Variant(text, ua.VariantType.String) for text in asked]
    (result,) = await admin.uaclient.call([wanted])
    assert result.StatusCode.value == S.BadInvalidArgument
    wrong = [i for i, each in enumerate(result.InputArgumentResults) if not each.is_good()]
    assert (wrong, result.InputArgumentResults[argument].value) == ([argument], code)


async def test_strangers_get_no_reports_and_nothing_is_scheduled(
    server: OpcUaTestServer, client: Client, admin: Client
) -> None:
    for method, texts in (
        ("MakeReport", ("", "", "pdf", "", "")),
        ("ListReports", ()),
        ("DeliverReport", ("Monthly",)),
    ):
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await call(server, client, method, *texts)
        assert refused.value.code == S.BadUserAccessDenied, method
    assert await call(server, admin, "ListReports") == [[]] * len(COLUMNS)
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await call(server, admin, "DeliverReport", "Monthly")
    assert refused.value.code == S.BadInvalidArgument


# -- by schedule


@dataclass
class Office:
    """A server whose month's report is due as soon as it runs."""

    server: OpcUaTestServer
    folder: Path

    def get(self, page: str) -> bytes:
        """A page of health."""
        url = f"http://{LOOPBACK}:{self.server.settings.metrics.port}/{page}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bytes(answer.read())

    async def until(self, outcome: str) -> dict[str, Any]:
        """What health says of the schedule, once it is so."""
        async with asyncio.timeout(20):
            state = await self.health()
            while state["reports"]["schedules"]["Monthly"]["status"] != outcome:
                await asyncio.sleep(0.05)
                state = await self.health()
        return state

    async def health(self) -> dict[str, Any]:
        """As it is now."""
        return dict(json.loads(await asyncio.to_thread(self.get, "health")))

    async def failing(self) -> float:
        """What metrics say of the schedule."""
        text = (await asyncio.to_thread(self.get, "metrics")).decode()
        (line,) = [each for each in text.splitlines() if each.startswith("voltkeep_report_failing{")]
        assert 'schedule="Monthly"' in line
        return float(line.rpartition(" ")[2])

    async def listed(self, client: Client) -> dict[str, Any]:
        """What ListReports says of the schedule."""
        found = await call(self.server, client, "ListReports")
        return {name: column[0] for name, column in zip(COLUMNS, found, strict=True)}


@pytest.fixture
def place(postgres: str) -> Iterator[tuple[Path, str]]:
    """A folder and a database for a server."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE reports")
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        yield Path(name), psycopg.conninfo.make_conninfo(postgres, dbname="reports")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE reports WITH (FORCE)")


@asynccontextmanager
async def office(place: tuple[Path, str], port: int) -> AsyncIterator[Office]:
    """A server that runs in a thread of its own."""
    home, database = place
    mail = {"host": LOOPBACK, "port": port, "security": "none", "sender": "v@example.com"}
    rules = {
        "groups": {"duty": {"mail": [MANAGER]}},
        "rules": [{"name": "worst", "to": "duty", "severity": 1000}],
    }
    (home / "notify.yaml").write_text(yaml.safe_dump({"mail": mail, **rules}))
    state = home / "var" / "state" / STATE_FILE
    if not state.exists():
        state.parent.mkdir(parents=True)
        state.write_text(json.dumps({"Monthly": {"since": LONG_AGO}}))
    folder = home / "reports"
    schedule = {"name": "Monthly", "formats": ["pdf", "csv"], "folder": folder, "mail": [MANAGER]}
    reports = {"language": "th", "calendar": "buddhist", "schedules": [schedule]}
    notify = {"file": home / "notify.yaml"}
    server, end = await asyncio.to_thread(serve, home, database, notify=notify, reports=reports)
    try:
        yield Office(server, folder)
    finally:
        await asyncio.to_thread(end)


async def test_a_schedule_from_its_settings_to_folder_and_mail(
    place: tuple[Path, str], client_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail server puts it off at first: health and metrics say so until it is taken."""
    monkeypatch.setattr(module, "FIRST", 0.1)
    monkeypatch.setattr(module, "EVERY", 0.5)
    monkeypatch.setattr(module.backoff, "FIRST", 1.0)
    box = Mailbox(replies=deque(["451 later"]))
    async with mail_server(box) as port, office(place, port) as at:
        state = await at.until("failing")
        assert (state["status"], state["reports"]["status"]) == ("degraded", "failing")
        assert "451" in state["reports"]["schedules"]["Monthly"]["last_error"]
        assert await at.failing() == 1
        state = await at.until("delivered")
        assert (state["reports"]["status"], state["reports"]["schedules"]["Monthly"]["last_error"]) == (
            "ok",
            "",
        )
        assert await at.failing() == 0
        ((address, mail),) = box.received
        files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
        put = {path.name: path.read_bytes() for path in at.folder.iterdir()}
        assert {Path(name).suffix for name in put} == {".pdf", ".csv"}
        assert (address, files.keys()) == ("manager@example.com", put.keys())
        for content in (files, put):
            for name, data in content.items():
                data = data.encode() if isinstance(data, str) else data
                assert data.startswith(FORMATS[Path(name).suffix[1:]])
        async with at.server.admin(client_home) as admin:
            found = await at.listed(admin)
            assert (found["outcomes"], found["errors"], found["languages"]) == ("Delivered", "", "th")
            assert found["places"] == f"{at.folder}, {MANAGER}"
            assert found["due"] < found["delivered"] < found["next"]
            for path in at.folder.iterdir():
                path.unlink()
            await call(at.server, admin, "DeliverReport", "Monthly")
            await at.until("delivered")
        assert {path.name for path in at.folder.iterdir()} == put.keys()
        assert [address for address, _ in box.received] == ["manager@example.com"] * 2
