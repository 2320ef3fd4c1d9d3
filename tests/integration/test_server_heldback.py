"""What operators are not shown as alarms is listed, with who, why and until when (ISA-18.2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer
from opcuasubscriber import Heat

from server.alarms.state import Transitions

HOUR = 3_600_000_000  # µs
ONE, TWO = "Bangrak/UPS-1/S02/J05#TemperatureHigh", "Bangrak/UPS-1/S02/J06#TemperatureHigh"


async def listed(client: Client, server: OpcUaTestServer) -> dict[tuple[str, str], list[Any]]:
    """What is held back: since, until, active, severity, user, comment by condition and reason."""
    alarms = client.get_node(server.node_id("Alarms"))
    columns = await alarms.call_method(server.node_id("Alarms.ListSuppressed"))
    rows = zip(*columns, strict=True)
    return {(condition, reason): rest for condition, reason, *rest in rows if condition in (ONE, TWO)}


async def test_it_is_listed_as_long_as_it_is_held_back(
    admin: Client, server: OpcUaTestServer, heat: Heat
) -> None:
    heat(ONE.partition("#")[0], 50.0)
    table = server.app._opcua.conditions.table
    one, two = (table.index.row_of_id(each) for each in (ONE, TWO))
    since = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    now = round(since.timestamp() * 1e6)

    def act(do: Callable[..., Transitions], row: int | None, *arguments: Any) -> None:
        server.inside(lambda: do(row, *arguments, "Sensor is being replaced", "Kanya", now))

    assert await listed(admin, server) == {}
    act(table.timed_shelve, one, HOUR)
    act(table.remove_from_service, one)
    act(table.suppress, two)
    said = ["Kanya", "Sensor is being replaced"]
    began, ends = since, since.replace(hour=13)
    never = ua.win_epoch_to_datetime(0)
    assert await listed(admin, server) == {
        (ONE, "OutOfService"): [began, never, True, 500, *said],
        (ONE, "Shelved"): [began, ends, True, 500, *said],
        (TWO, "Suppressed"): [began, never, False, 500, *said],
    }
    act(table.unshelve, one)
    act(table.place_in_service, one)
    act(table.unsuppress, two)
    assert await listed(admin, server) == {}


async def test_nobody_who_may_not_read_lists_it(client: Client, server: OpcUaTestServer) -> None:
    alarms = client.get_node(server.node_id("Alarms"))
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await alarms.call_method(server.node_id("Alarms.ListSuppressed"))
    assert refused.value.code == ua.StatusCodes.BadUserAccessDenied
