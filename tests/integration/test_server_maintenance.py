"""Maintenance over OPC UA: a replaced jar begins anew, also over a restart; forecast and plan answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request, serve

from server.security.users import Role
from simulator.occurrences import Occurrence, OccurrenceKind

S = ua.StatusCodes
VT = ua.VariantType
JAR = "Bangrak/UPS-1/S01/J02"
NEVER = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(scope="module")
def server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaTestServer]:
    """A server of its own: others rely on their jars."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE maintained")
    conninfo = psycopg.conninfo.make_conninfo(postgres, dbname="maintained")
    server, end = serve(tmp_path_factory.mktemp("maintained"), conninfo)
    yield server
    end()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def variants(*values: Any) -> list[ua.Variant]:
    kinds = {str: VT.String, float: VT.Double, int: VT.UInt32, dt.datetime: VT.DateTime}
    return [ua.Variant(value, kinds[type(value)]) for value in values]


async def call(client: Client, server: OpcUaTestServer, method: str, *values: Any) -> ua.CallMethodResult:
    node_ids = server.node_id("Maintenance"), server.node_id(f"Maintenance.{method}")
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(*node_ids, variants(*values))])
    result: ua.CallMethodResult = (await answer(client, ua.CallResponse, sent)).Results[0]
    return result


async def outputs(client: Client, server: OpcUaTestServer, method: str, *values: Any) -> list[Any]:
    result = await call(client, server, method, *values)
    assert result.StatusCode.is_good(), result
    return [variant.Value for variant in result.OutputArguments]


def replacement(jar: str, began: dt.datetime, serial: str = "", baseline: float = 0.0) -> tuple[Any, ...]:
    return jar, "Replacement", began, began + MINUTE, "somchai", "cracked", serial, baseline


async def read(client: Client, server: OpcUaTestServer, name: str) -> Any:
    return await client.get_node(server.node_id(name)).read_value()


def age(server: OpcUaTestServer, jar: str) -> float:
    number = server.app._opcua._table.index.fleet.index_of[jar][1]
    return float(server.inside(lambda: server.app._prognosis.state.ageing.age[number]))


async def test_a_replaced_jar_begins_anew(server: OpcUaTestServer, client_home: Path, until: Any) -> None:
    began = now() - dt.timedelta(days=2)
    async with server.admin(client_home) as client:
        before = await read(client, server, f"{JAR}.RemainingUsefulLife")
        (renewed,) = await outputs(
            client, server, "RecordMaintenance", *replacement(JAR, began, "HX26-77", 3.9)
        )
        assert renewed == 1
        await until_young(until, server, JAR)
        assert age(server, JAR) == pytest.approx(2.0, abs=0.01)
        assert await read(client, server, f"{JAR}.SerialNumber") == "HX26-77"
        assert await read(client, server, f"{JAR}.BaselineResistance") == 3.9
        installed = await read(client, server, f"{JAR}.InstallationDate")
        assert installed.date() == (began + dt.timedelta(hours=7)).date()
        assert await read(client, server, f"{JAR}.WarrantyEnd") > installed
        assert await read(client, server, f"{JAR}.RemainingUsefulLife") > before
        baselines = server.inside(lambda: server.app._alarms.inputs.baseline.tolist())
        assert baselines[1] == 3.9
        assert baselines[0] == 3.4
        # The same again is refused; an older one is kept and changes nothing.
        again = await call(client, server, "RecordMaintenance", *replacement(JAR, began))
        assert again.StatusCode.value == S.BadEntryExists
        older = began - dt.timedelta(days=300)
        assert await outputs(client, server, "RecordMaintenance", *replacement(JAR, older)) == [0]
        listed = await outputs(client, server, "ListMaintenance", JAR, older, now(), 0)
        assert listed[3] == ["Replacement", "Replacement"]
        assert listed[6] == ["", "HX26-77"]
        assert listed[9] == ["admin", "admin"]


async def until_young(until: Any, server: OpcUaTestServer, jar: str) -> None:
    await until(lambda: age(server, jar) < 3.0)
    scans = server.app._opcua._table.frame.number
    await until(lambda: server.app._opcua._table.frame.number > scans)


async def test_a_string_is_replaced_as_a_whole(
    server: OpcUaTestServer, client_home: Path, until: Any
) -> None:
    async with server.admin(client_home) as client:
        string = "Hat Yai/UPS-1/S01"
        wrong = await call(client, server, "RecordMaintenance", *replacement(string, now() - MINUTE, "one"))
        assert wrong.StatusCode.value == S.BadInvalidArgument  # each has a number of its own
        assert await outputs(
            client, server, "RecordMaintenance", *replacement(string, now() - 2 * MINUTE)
        ) == [4]
        for jar in range(1, 5):
            await until_young(until, server, f"{string}/J{jar:02d}")


async def test_it_lasts_over_a_restart_whatever_the_twin_had_saved(
    home: Path, database: str, client_home: Path, until: Any
) -> None:
    began = now() - dt.timedelta(hours=6)
    server, end = serve(home, database)
    try:
        async with server.admin(client_home) as client:
            await outputs(client, server, "RecordMaintenance", *replacement(JAR, began, "X-1", 3.7))
            await until_young(until, server, JAR)
    finally:
        end()
    for saved in (True, False):  # with what it saved at the end, and as if it had been killed before
        if not saved:
            (home / "var" / "state" / "twin.npz").unlink()
        server, end = serve(home, database)
        try:
            async with server.client() as client:
                await until_young(until, server, JAR)
                assert age(server, JAR) == pytest.approx(0.25, abs=0.02)
                assert await read(client, server, f"{JAR}.SerialNumber") == "X-1"
                assert server.app._alarms.inputs.baseline[1] == 3.7
        finally:
            end()


async def test_a_capacity_test_teaches_the_twin(
    server: OpcUaTestServer, client_home: Path, until: Any
) -> None:
    jar = "Bangrak/UPS-1/S02/J03"
    began = now() - dt.timedelta(hours=11)
    async with server.admin(client_home) as client:
        before = await read(client, server, f"{jar}.StateOfHealth")
        values = (jar, began, began + dt.timedelta(hours=8), 12.0, 10.8, 25.0, 96.0, 0.0, "", "yearly")
        (health,) = await outputs(client, server, "RecordCapacityTest", *values)
        assert health == pytest.approx(80.0)
        number = server.app._opcua._table.index.fleet.index_of[jar][1]
        soh = server.app._prognosis
        await until(lambda: abs(server.inside(lambda: soh.state.ageing.correction[number])) > 0.005)
        scans = server.app._opcua._table.frame.number
        await until(lambda: server.app._opcua._table.frame.number > scans + 1)
        after = await read(client, server, f"{jar}.StateOfHealth")
        assert abs(after - 80.0) < 0.5 * abs(before - 80.0)
        listed = await outputs(client, server, "ListCapacityTests", "", began, now(), 10)
        assert (listed[0], listed[6], listed[8]) == ([jar], [96.0], [pytest.approx(80.0)])


async def test_work_that_lasts_is_ended_by_recording_it_again(
    server: OpcUaTestServer, client_home: Path
) -> None:
    began = now() - 3 * MINUTE
    async with server.admin(client_home) as client:
        for ended, note in ((NEVER, "begun"), (began + MINUTE, "done")):
            given = ("Bangrak/UPS-1", "Tightening", began, ended, "", note, "", 0.0)
            await outputs(client, server, "RecordMaintenance", *given)
        again = await call(client, server, "RecordMaintenance", *given)
        assert again.StatusCode.value == S.BadEntryExists
        listed = await outputs(client, server, "ListMaintenance", "Bangrak/UPS-1", began, began + MINUTE, 0)
        work = listed[3].index("Tightening")
        assert listed[5][work] == "done"
        assert listed[2][work] == began + MINUTE


async def test_a_simulated_plant_keeps_its_log_book(server: OpcUaTestServer, until: Any) -> None:
    log = server.app._plant_log
    assert log is not None
    path, failed = "Bangrak/UPS-1/S02/J06", round((time.time() - 3 * 86_400) * 1e6)
    happened = [
        Occurrence(failed, OccurrenceKind.JAR_FAILED, path, "open cell"),
        Occurrence(failed + 86_400_000_000, OccurrenceKind.JAR_REPLACED, path, "jar number 2 of its place"),
    ]
    server.inside(lambda: log._plant._book._entries.extend(happened))
    await until_young(until, server, path)
    assert age(server, path) == pytest.approx(2.0, abs=0.01)
    async with server.client() as client:
        listed: list[Any] = [[]]
        async with asyncio.timeout(20):
            while len(listed[0]) < 2:
                await asyncio.sleep(0.05)  # the journal writes in its own time
                start = now() - dt.timedelta(days=3.1)
                listed = await outputs(client, server, "ListMaintenance", path, start, now(), 0)
        assert listed[3] == ["Failure", "Replacement"]
        assert listed[9] == ["Plant", "Plant"]
        assert listed[7][1] == 3.4
        assert await read(client, server, f"{path}.SerialNumber") == listed[6][1] != ""


async def test_what_makes_no_sense_is_refused(server: OpcUaTestServer, client_home: Path) -> None:
    past, future = now() - MINUTE, now() + dt.timedelta(hours=1)
    works = [
        ((JAR, "Wonder", past, NEVER, "", "", "", 0.0), 1, S.BadOutOfRange),
        (("Nowhere", "Repair", past, NEVER, "", "", "", 0.0), 0, S.BadNodeIdUnknown),
        (("Fleet", "Repair", past, NEVER, "", "", "", 0.0), 0, S.BadNodeIdUnknown),
        ((JAR, "Repair", future, NEVER, "", "", "", 0.0), 2, S.BadOutOfRange),
        ((JAR, "Repair", NEVER, NEVER, "", "", "", 0.0), 2, S.BadOutOfRange),
        ((JAR, "Repair", past, past - MINUTE, "", "", "", 0.0), 3, S.BadOutOfRange),
        ((JAR, "Repair", past, NEVER, "", "", "A1", 0.0), 6, S.BadInvalidArgument),
        ((JAR, "Replacement", past, NEVER, "", "", "A1", -1.0), 7, S.BadOutOfRange),
        ((JAR, "Repair", past, NEVER, "", "x" * 2001, "", 0.0), 5, S.BadOutOfRange),
    ]
    tests = [
        (("Bangrak", past, now(), 12.0, 10.8, 25.0, 96.0, 0.0, "", ""), 0, S.BadInvalidArgument),
        ((JAR, past, past, 12.0, 10.8, 25.0, 96.0, 0.0, "", ""), 2, S.BadOutOfRange),
        ((JAR, past, now(), 0.0, 10.8, 25.0, 96.0, 0.0, "", ""), 3, S.BadOutOfRange),
        ((JAR, past, now(), 12.0, 10.8, 250.0, 96.0, 0.0, "", ""), 5, S.BadOutOfRange),
        ((JAR, past, now(), 12.0, 10.8, 25.0, float("nan"), 0.0, "", ""), 6, S.BadOutOfRange),
    ]
    async with server.admin(client_home) as client:
        for method, cases in (("RecordMaintenance", works), ("RecordCapacityTest", tests)):
            for values, position, code in cases:
                result = await call(client, server, method, *values)
                assert result.StatusCode.value == S.BadInvalidArgument, values
                assert result.InputArgumentResults[position].value == code, values


async def test_operators_record_rounds_and_engineers_the_rest(
    server: OpcUaTestServer, client_home: Path
) -> None:
    async with server.client() as client:
        nobody = await call(
            client, server, "RecordMaintenance", JAR, "Inspection", now() - MINUTE, NEVER, "", "", "", 0.0
        )
        assert nobody.StatusCode.value == S.BadUserAccessDenied
    password = "Only-for-the-rounds-7"
    making = server.app._opcua.accounts.set("ratree", Role.OPERATOR, password)
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(making, server.loop))
    async with server.admin(client_home, "ratree", password) as client:
        began = now() - MINUTE
        given = ("Inspection", began, NEVER, "", "all clean", "", 0.0)
        assert await outputs(client, server, "RecordMaintenance", "Bangrak", *given) == [0]
        refused = await call(client, server, "RecordMaintenance", *replacement(JAR, began))
        assert refused.StatusCode.value == S.BadUserAccessDenied
        listed = await outputs(client, server, "ListMaintenance", "Fleet", began - MINUTE, now(), 0)
        assert listed[0] == ["Bangrak"]
        assert listed[4] == ["ratree"]


async def test_forecast_and_plan_answer(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        began = time.perf_counter()
        forecast = await outputs(client, server, "ReplacementForecast", "", 40)
        plan = await outputs(client, server, "MaintenancePlan", "Fleet", 40)
        assert time.perf_counter() - began < 2.0
        quarters, expected, lower, upper, costs = forecast[:5]
        assert len(quarters) == len(costs) == 40
        assert all(a <= b <= c for a, b, c in zip(lower, expected, upper, strict=True))
        assert 1.0 < sum(expected) <= 16.0
        assert forecast[8] == plan[15] == "THB"
        sites, begins, ends = plan[:3]
        assert begins == sorted(begins)
        assert {(b + dt.timedelta(hours=7)).hour for b in begins} == {8}
        assert {(e + dt.timedelta(hours=7)).hour for e in ends} == {20}
        assert set(sites) <= {"Bangrak", "Hat Yai"}
        assert sum(plan[4]) == len(plan[7]) == len(plan[8])
        assert sum(plan[5]) == pytest.approx(plan[12])
        assert plan[12] <= plan[13]
        one = await outputs(client, server, "MaintenancePlan", "Hat Yai", 40)
        assert set(one[0]) == {"Hat Yai"}
        for values, position in ((("Bangrak/UPS-1", 4), 0), (("", 0), 1), (("", 41), 1)):
            result = await call(client, server, "MaintenancePlan", *values)
            assert result.InputArgumentResults[position].value != 0
