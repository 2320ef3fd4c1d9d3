"""A server that is killed at any moment: every alarm as it was, every event once, every answer still true."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from asyncua import Client, ua
from program import Start, Voltkeep

from config.settings import load_settings
from server.userclient import connected

Ids, VT = ua.ObjectIds, ua.VariantType
KILLS = 4
EPOCH = 1 << 32  # a restart gives no number of an event again that could have been given
FLEET = """
name: Small
models:
  M:
    {manufacturer: Make, nominal_voltage: 12, cells: 6, capacity: 120, cutoff_voltage: 10.5,
     float_voltage: 13.65, baseline_resistance: 3.4, limits: {temperature: {low: 0, high: 90}}}
sites:
  Bangrak:
    region: Bangkok
    latitude: 13.7
    longitude: 100.5
    systems:
      UPS-1:
        kind: UPS
        rated_power: 60
        strings:
          S01: {model: M, jars: 12, installed: 2024-01-01, first_serial: A001}
"""
# One that is active for good, and some whose limits lie within the noise of the measured voltage.
CONDITION = """
  {name}:
    asset: Jar
    tag: Voltage
    class: process
    confirm: {confirm}
    limits: {{high: {{value: {limit}, severity: 500}}}}
    message: Voltage
    advice: None.
"""
LIMITS = {f"Noisy{n}": 13.55 + 0.01 * n for n in range(20)}
FIELDS = (
    "EventId", "SourceName", "ConditionName", "BranchId", "AckedState/Id", "ConfirmedState/Id",
    "ShelvingState/CurrentState/Id", "SuppressedState/Id", "Comment", "ClientUserId", "EventType",
)  # fmt: skip
KEPT = FIELDS[4:9]
SHELVING = "ShelvingState/CurrentState/Id"
UNSHELVED, TIMED = (
    ua.NodeId(number)
    for number in (Ids.ShelvedStateMachineType_Unshelved, Ids.ShelvedStateMachineType_TimedShelved)
)


def alarm_file() -> str:
    conditions = {"Steady": 1.0, **LIMITS}
    return "conditions:" + "".join(
        CONDITION.format(name=name, limit=limit, confirm=str(name == "Steady").lower())
        for name, limit in conditions.items()
    )


def chosen() -> ua.EventFilter:
    made = ua.EventFilter()
    made.SelectClauses = [
        ua.SimpleAttributeOperand(
            ua.NodeId(Ids.BaseEventType),
            [ua.QualifiedName(name) for name in path.split("/")],
            ua.AttributeIds.Value,
        )
        for path in FIELDS
    ]
    return made


@dataclass
class Story:
    """What clients saw and did over all lives of the server."""

    random: random.Random = field(default_factory=lambda: random.Random(6))
    told: set[bytes] = field(default_factory=set)
    answered: list[str] = field(default_factory=list)  # comments of calls that were answered with Good
    unanswered: dict[str, str] = field(default_factory=dict)  # by the source of the condition
    steady: dict[str, dict[str, Any]] = field(default_factory=dict)  # how they are, as far as was answered
    numbers: Any = field(default_factory=itertools.count)


class Operator:
    """A client of one life: it watches all events, and acts on the conditions that are active for good."""

    def __init__(self, client: Client, namespace: int, story: Story) -> None:
        self.client, self.story = client, story
        self._namespace = namespace
        self.now: dict[str, dict[str, Any]] = {}  # of each steady condition
        self._refreshed = asyncio.Event()

    def event_notification(self, event: Any) -> None:
        """Called by asyncua."""
        fields = {name: getattr(event, name, None) for name in FIELDS}
        if fields["EventType"] == ua.NodeId(Ids.RefreshEndEventType):
            self._refreshed.set()
        if fields["ConditionName"] is None:
            return
        self.story.told.add(fields["EventId"])
        if fields["ConditionName"] == "Steady" and fields["BranchId"] == ua.NodeId():
            self.now[fields["SourceName"]] = fields

    async def watch(self) -> None:
        """Every event from now on, and how all conditions are."""
        subscription = await self.client.create_subscription(50, self)
        await subscription.subscribe_events(evfilter=chosen(), queuesize=10_000)
        refresh = ua.NodeId(Ids.ConditionType_ConditionRefresh)
        await self.client.get_node(Ids.ConditionType).call_method(
            refresh, ua.Variant(subscription.subscription_id, VT.UInt32)
        )
        async with asyncio.timeout(10):
            await self._refreshed.wait()

    async def act(self) -> None:
        """Act, one call after the other, until the server is gone."""
        while True:
            source = self.story.random.choice(sorted(self.now))
            comment = f"act {next(self.story.numbers)}"
            self.story.unanswered = {source: comment}
            with contextlib.suppress(ua.UaStatusCodeError):
                made = await self._call(source, comment)
                self.story.answered.append(comment)
                self.story.steady[source] |= {**made, "Comment": comment}
            self.story.unanswered = {}

    async def _call(self, source: str, comment: str) -> dict[str, Any]:
        """What is so now; raises `UaStatusCodeError` where nothing is."""
        state = self.now[source]
        text = ua.Variant(ua.LocalizedText(comment), VT.LocalizedText)
        event_id = ua.Variant(state["EventId"], VT.ByteString)
        long = ua.Variant(3_600_000.0, VT.Double)
        method, arguments, made = self.story.random.choice(
            [
                (
                    Ids.AcknowledgeableConditionType_Acknowledge,
                    (event_id, text),
                    {"AckedState/Id": True, "ConfirmedState/Id": False},
                ),
                (Ids.AcknowledgeableConditionType_Confirm, (event_id, text), {"ConfirmedState/Id": True}),
                (Ids.ConditionType_AddComment, (event_id, text), {}),
                (Ids.AlarmConditionType_Suppress2, (text,), {"SuppressedState/Id": True}),
                (Ids.AlarmConditionType_Unsuppress2, (text,), {"SuppressedState/Id": False}),
                (Ids.ShelvedStateMachineType_TimedShelve2, (long, text), {SHELVING: TIMED}),
                (Ids.ShelvedStateMachineType_Unshelve2, (text,), {SHELVING: UNSHELVED}),
            ]
        )
        condition = self.client.get_node(ua.NodeId(f"{source}#Steady", self._namespace))
        await asyncio.wait_for(condition.call_method(ua.NodeId(method), *arguments), 10)
        return made


@contextlib.asynccontextmanager
async def operator(program: Voltkeep, story: Story) -> Any:
    port = urlparse(program.endpoint).port
    settings = load_settings(overrides={"home": program.home, "opcua": {"port": port}})
    async with connected(settings, "admin", program.admin_password) as users:
        namespace = await users._client.get_namespace_index("urn:voltkeep:fleet")
        yield Operator(users._client, namespace, story)


async def live_until_killed(program: Voltkeep, story: Story) -> None:
    """Act, until the server is killed in the midst of it all."""
    with contextlib.suppress(Exception):  # the connection breaks somewhere
        async with operator(program, story) as who:
            await who.watch()
            acting = asyncio.create_task(who.act())
            await asyncio.sleep(story.random.uniform(1.0, 2.5))
            os.kill(program.process.pid, signal.SIGKILL)
            await asyncio.wait_for(acting, 5)
    assert program.process.wait(10) == -signal.SIGKILL


def compare(story: Story, now: dict[str, dict[str, Any]]) -> None:
    """All that was answered is so; of a call that nobody answered it may be."""
    for source, fields in now.items():
        found = {name: fields[name] for name in KEPT} | {"Comment": fields["Comment"].Text}
        known = story.steady.setdefault(source, found)
        if known != found:
            assert found["Comment"] == story.unanswered.get(source), (source, known, found)
        story.steady[source] = found
    assert story.steady.keys() == now.keys()


async def history(client: Client) -> list[dict[str, Any]]:
    details = ua.ReadEventDetails()
    details.StartTime = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    details.EndTime = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    details.NumValuesPerNode, details.Filter = 0, chosen()
    result = await client.nodes.server.history_read_events(details)
    result.StatusCode.check()
    rows = [[each.Value for each in event.EventFields] for event in result.HistoryData.Events]
    return [fields for row in rows if (fields := dict(zip(FIELDS, row, strict=True)))["ConditionName"]]


async def test_a_killed_server_goes_on_as_it_was_and_its_journal_has_every_event_once(
    start_voltkeep: Start, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "fleet.yaml").write_text(FLEET, encoding="utf-8")
    (tmp_path / "alarms.yaml").write_text(alarm_file(), encoding="utf-8")
    settings = {
        "VOLTKEEP_FLEET": str(tmp_path / "fleet.yaml"),
        "VOLTKEEP_ALARMS": str(tmp_path / "alarms.yaml"),
        "VOLTKEEP_SCAN_PERIOD": "0.2",
        "VOLTKEEP_SIMULATOR_PAST_DAYS": "0",
    }
    story = Story()
    for life in range(KILLS + 1):
        with start_voltkeep(home, **settings) as program:
            async with operator(program, story) as who:
                await who.watch()
                compare(story, who.now)
                if life == KILLS:
                    told = set(story.told)
                    kept = await settled(who.client, max(map(number_of, told)))
            if life < KILLS:
                await live_until_killed(program, story)
    assert len(story.answered) > 50
    ids = Counter(fields["EventId"] for fields in kept)
    assert [each for each, times in ids.items() if times > 1] == []
    assert told - ids.keys() == set()
    numbers = sorted(map(number_of, ids))
    assert len({number // EPOCH for number in numbers}) == KILLS + 1
    # A life goes on where the ledger of the one before ended, so a number that is missing is a lost event.
    assert [number % EPOCH for number in numbers] == list(range(1, len(numbers) + 1))
    comments = Counter(fields["Comment"].Text for fields in kept if fields["ClientUserId"] == "admin")
    assert [comment for comment in story.answered if comment not in comments] == []


async def settled(client: Client, number: int) -> list[dict[str, Any]]:
    """The journal, once it has the event with this number."""
    async with asyncio.timeout(20):
        while True:
            kept = await history(client)
            if max(number_of(fields["EventId"]) for fields in kept) >= number:
                return kept
            await asyncio.sleep(0.2)


def number_of(event_id: bytes) -> int:
    """Events are numbered in the order in which they are told."""
    return int.from_bytes(event_id[8:], "big")
