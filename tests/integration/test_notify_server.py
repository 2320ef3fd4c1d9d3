"""From a condition of a running server to the mail and the request that tell it."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import yaml
from asyncua import Client, ua
from notifyservers import Hook, Mailbox, hook_server, mail_server
from opcuaserver import OpcUaTestServer, serve

from nodeset.frame import Frame

JAR = "A/UPS-1/S01/J01"


@dataclass
class House:
    """A server that notifies, and who is notified."""

    server: OpcUaTestServer
    box: Mailbox
    hook: Hook

    def heat(self, value: float) -> None:
        """Give a jar a temperature, as a scan's alarm step sees it."""
        app = self.server.app

        def act() -> None:
            frame = app._opcua._table.frame
            values = frame.value.copy()
            values_of = frame.index.column(values, "Jar", "Temperature")
            values_of[:] = 25.0
            values_of[frame.index.fleet.index_of[self.jar][1]] = value
            status, times = np.zeros_like(frame.status), frame.source_time.copy()
            self.step(Frame(frame.index, frame.number, frame.time, values, status, times))

        self.server.inside(act)

    def step(self, frame: Frame) -> None:
        """The alarm step, which no scan makes meanwhile."""

    @property
    def jar(self) -> str:
        """Path of the jar that is heated."""
        return str(self.server.app._opcua._table.index.fleet.jars[0].path)

    def health(self) -> dict[str, Any]:
        """What /health says of notification."""
        url = f"http://127.0.0.1:{self.server.settings.metrics.port}/health"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return dict(json.load(answer)["notification"])


def notify_yaml(mail: int, hook: str) -> str:
    """Rules that are quick."""
    return yaml.safe_dump(
        {
            "gather": 0.05,
            "mail": {"host": "127.0.0.1", "port": mail, "security": "none", "sender": "v@example.com"},
            "webhooks": {"hook": {"url": hook}},
            "groups": {
                "duty": {"mail": ["duty@example.com"], "webhooks": ["hook"]},
                "leader": {"mail": ["leader@example.com"]},
            },
            "rules": [
                {
                    "name": "all",
                    "to": "duty",
                    "conditions": ["TemperatureHigh"],
                    "tell": ["activated", "worsened", "acknowledged", "cleared"],
                    "escalate": [{"after": 0.01, "to": "leader"}],
                }
            ],
        }
    )


@pytest.fixture
def place(postgres: str) -> Iterator[tuple[Path, str]]:
    """A folder and a database for a server."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE notify")
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        yield Path(name), psycopg.conninfo.make_conninfo(postgres, dbname="notify")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE notify WITH (FORCE)")


@asynccontextmanager
async def house(
    place: tuple[Path, str], box: Mailbox, hook: Hook, mail: int, url: str
) -> AsyncIterator[House]:
    """A server that runs in a thread of its own."""
    home, database = place
    file = home / "notify.yaml"
    file.write_text(notify_yaml(mail, url))
    server, end = await asyncio.to_thread(serve, home, database, notify={"file": file})
    conditions = server.app._opcua.conditions
    step = conditions.step
    try:
        conditions.step = lambda _frame: None  # type: ignore[method-assign]
        made = House(server, box, hook)
        made.step = step  # type: ignore[method-assign]
        made.heat(25.0)
        yield made
    finally:
        await asyncio.to_thread(end)


async def until(count: int, of: list[Any]) -> None:
    """So many have come."""
    async with asyncio.timeout(20):
        while len(of) < count:  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)


async def test_an_alarm_is_told_escalated_acknowledged_and_over(place: tuple[Path, str]) -> None:
    box, hook = Mailbox(), Hook()
    async with mail_server(box) as port, hook_server(hook) as url, house(place, box, hook, port, url) as at:
        at.heat(85.0)
        await until(2, box.received)
        (to_duty, alarm), (to_leader, escalation) = box.received
        assert (to_duty, to_leader) == ("duty@example.com", "leader@example.com")
        assert alarm["Subject"] == f"[critical] {at.jar}: Jar temperature is high"
        assert "85.00 °C" in alarm.get_content()
        assert "Look at the air conditioning." in alarm.get_content()
        assert escalation["Subject"].strip().startswith("[NOT ACKNOWLEDGED, critical]")
        assert escalation["References"] == alarm["References"]
        await until(1, hook.requests)
        told = json.loads(hook.requests[0][1])
        assert (told["type"], told["severity"]) == ("alarm", 800)
        assert told["alarms"][0]["condition"] == f"{at.jar}#TemperatureHigh"

        row = at.server.app._alarms.index.row(at.jar, "TemperatureHigh")
        assert row is not None
        event_id = bytes.fromhex(told["alarms"][0]["event_id"])

        def acknowledge() -> None:
            app = at.server.app
            transitions = app._alarms.acknowledge(row, event_id, "on my way", "somchai", app._opcua._clock())
            app._opcua.conditions.tell(app._alarms, transitions)

        at.server.inside(acknowledge)
        await until(4, box.received)
        assert all("acknowledged, by somchai" in mail.get_content() for _, mail in box.received[2:4])
        at.heat(25.0)
        await until(6, box.received)
        assert {mail["Subject"].strip().partition("]")[0] for _, mail in box.received[4:]} == {"[all clear"}
        await until(3, hook.requests)
        async with asyncio.timeout(20):  # a delivery waits until it is noted that it was taken
            while at.health()["waiting"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        health = at.health()
        assert (health["status"], health["alerts"]) == ("ok", 0)
        assert health["channels"]["mail"]["sent"] == 6


async def test_what_could_not_be_sent_is_sent_after_a_restart_and_once(place: tuple[Path, str]) -> None:
    box, hook = Mailbox(), Hook()
    async with mail_server(box) as port:
        pass  # nobody listens there now
    async with hook_server(hook) as url:
        async with house(place, box, hook, port, url) as at:
            at.heat(85.0)
            await until(1, hook.requests)
            async with asyncio.timeout(20):
                while at.health()["channels"]["mail"]["status"] != "failing":  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                while at.health()["waiting"] < 2:  # noqa: ASYNC110 - the alarm and its escalation
                    await asyncio.sleep(0.05)
            # As if it were killed: nothing is closed, and nobody says good-bye.
            _make_all_due(place[0] / "var" / "state" / "notify.sqlite")
        async with mail_server(box, port=port), house(place, box, hook, port, url) as at:
            await until(2, box.received)
    subjects = sorted(mail["Subject"].strip().partition("]")[0] for _, mail in box.received[:2])
    assert subjects == ["[NOT ACKNOWLEDGED, critical", "[critical"]
    ids = [(address, mail["Message-ID"]) for address, mail in box.received]
    assert len(ids) == len(set(ids))


async def call_test(client: Client, at: OpcUaTestServer, group: str) -> int:
    """Call TestNotification."""
    method = at.node_id("Alarms.TestNotification")
    argument = ua.Variant(group, ua.VariantType.String)
    return int(await client.get_node(at.node_id("Alarms")).call_method(method, argument))


async def test_an_administrator_may_send_a_test(place: tuple[Path, str], client_home: Path) -> None:
    box, hook = Mailbox(), Hook()
    async with mail_server(box) as port, hook_server(hook) as url, house(place, box, hook, port, url) as at:
        async with at.server.admin(client_home) as admin:
            assert await call_test(admin, at.server, "duty") == 2
            with pytest.raises(ua.UaStatusCodeError) as caught:
                await call_test(admin, at.server, "nobody")
            assert caught.value.code == ua.StatusCodes.BadInvalidArgument
        await until(1, box.received)
        await until(1, hook.requests)
        assert box.received[0][1]["Subject"].startswith("Test message: ")
        assert json.loads(hook.requests[0][1])["type"] == "test"
        async with at.server.client() as anybody:
            with pytest.raises(ua.UaStatusCodeError) as caught:
                await call_test(anybody, at.server, "duty")
        assert caught.value.code == ua.StatusCodes.BadUserAccessDenied


async def test_without_a_file_there_is_nobody_to_test(server: OpcUaTestServer, admin: Client) -> None:
    with pytest.raises(ua.UaStatusCodeError) as caught:
        await call_test(admin, server, "duty")
    assert caught.value.code == ua.StatusCodes.BadNotSupported


def _make_all_due(path: Path) -> None:
    import sqlite3

    with sqlite3.connect(path) as file:
        file.execute("UPDATE delivery SET due = 0")
    file.close()
