"""Thousands of alarms in one scan: everybody is told all of them, and nobody else waits (SPEC A8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer
from opcuasubscriber import Subscriber, item, select

from nodeset.frame import Frame
from server.alarms.definition import ConditionIndex
from server.alarms.table import AlarmTable

DEFINITIONS: Final = 250  # each of 16 jars
FIELDS: Final = ("SourceName", "ConditionName", "Message", "Severity", "EventId", "")
Flood = Callable[[float], int]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def flood(server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch) -> Flood:
    """Give all jars a temperature that thousands of conditions look at; how many scans are left to tell."""
    conditions, table = server.app._opcua.conditions, server.app._opcua._table
    (once, *_) = conditions.table.index.defs
    defs = tuple(replace(once, name=f"Hot{i}") for i in range(DEFINITIONS))
    alarms = AlarmTable(ConditionIndex(table.index.fleet, defs), 1)

    def put(value: float) -> int:
        def act() -> int:
            now = table.frame
            values, status = now.value.copy(), np.zeros_like(now.status)
            now.index.column(values, "Jar", "Temperature")[:] = value
            frame = Frame(now.index, now.number, now.time, values, status, now.source_time.copy())
            conditions.tell(alarms, alarms.step(frame))
            return len(conditions._backlog)

        return server.inside(act)

    monkeypatch.setattr(conditions, "step", lambda _frame: None)
    monkeypatch.setattr(conditions, "table", alarms)
    monkeypatch.setattr(conditions, "record", lambda _transitions: None)  # the ledger is of other conditions
    return put


async def listening(client: Client, chosen: Any, queue: int = 10_000) -> Subscriber:
    made = await Subscriber.create(client)
    watched = item(ua.NodeId(ua.ObjectIds.Server), attribute=12, chosen=chosen, queue=queue)
    (result,) = await made.monitor(watched)
    assert result.StatusCode.is_good()
    return made


def severe(*paths: str) -> ua.EventFilter:
    """Fields of events whose severity is 700 or more."""
    chosen = select(*paths)
    limit = ua.LiteralOperand(ua.Variant(700, ua.VariantType.UInt16))
    operands = [select("Severity").SelectClauses[0], limit]
    at_least = ua.FilterOperator.GreaterThanOrEqual
    chosen.WhereClause.Elements = [ua.ContentFilterElement(at_least, operands)]
    return chosen


async def collect(made: Subscriber, count: int) -> list[list[Any]]:
    found: list[list[Any]] = []
    while len(found) < count:
        found += await made.events()
    return found


async def test_a_burst_of_alarms_leaves_other_clients_served(server: OpcUaTestServer, flood: Flood) -> None:
    backlog = server.app._opcua.conditions._backlog
    async with server.client() as one, server.client() as two, server.client() as other:
        all_of_them = await listening(one, select(*FIELDS))
        severe_ones = await listening(two, severe(*FIELDS))
        status = other.get_node(ua.ObjectIds.Server_ServerStatus_State)
        await status.read_value()
        assert flood(47.0) == 1, "the scan goes on before all is told"
        answered = 0
        while len(backlog):
            await status.read_value()
            answered += 1
        assert answered >= 2
        count = DEFINITIONS * len(server.app._opcua._table.index.fleet.jars)
        found = await collect(all_of_them, count)
        assert len({(source, name) for source, name, *_ in found}) == len(found) == count
        numbers = [fields[4] for fields in found]
        assert numbers == sorted(numbers, key=lambda number: number[8:]), "in the order of the transitions"
        assert {(fields[3], fields[2].Text.partition(":")[0]) for fields in found} == {
            (500, "Jar temperature is high")
        }
        flood(85.0)
        assert await collect(severe_ones, count) == await collect(all_of_them, count)


async def test_a_slow_subscriber_loses_what_its_queue_cannot_hold_and_nobody_else_does(
    server: OpcUaTestServer, flood: Flood, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    conditions, scans = server.app._opcua.conditions, list[int]()
    monkeypatch.setattr(conditions, "step", lambda frame: scans.append(frame.number))
    count, small = DEFINITIONS * len(server.app._opcua._table.index.fleet.jars), 500
    fields = (*FIELDS, "EventType")
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server.client()) for _ in range(6)]
        quick = [await listening(client, select(*fields)) for client in clients[:4]]
        patient = await listening(clients[4], select(*fields), queue=count)
        slow = await listening(clients[5], select(*fields), queue=small)
        flood(47.0)
        told = await asyncio.gather(*(collect(each, count) for each in quick))
        assert all(each == told[0] for each in told)
        assert len(told[0]) == len({fields[4] for fields in told[0]}) == count
        # Who asks late gets all that its queue held, in order: the patient one everything.
        assert await collect(patient, count) == told[0]
        late = await collect(slow, small + 1)
        assert late[0][-1] == ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType)
        assert late[1:] == told[0][-small:]
        await until(lambda: len(scans) >= 3)
    assert [b - a for a, b in pairwise(scans)] == [1] * (len(scans) - 1), "no scan was left out"
