"""Export over OPC UA: a file that its session reads with the methods of FileType (Part 20, 4.2 and 4.4)."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.client.ua_file import UaFile
from opcuaserver import OpcUaTestServer

from server.exports import exports as server_exports

S = ua.StatusCodes
JAR = "Bangrak/UPS-1/S01/J02"
FORMATS = {"csv": b"Time,", "parquet": b"PAR1", "xlsx": b"PK\x03\x04"}


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
async def scanned(server: OpcUaTestServer, admin: Client) -> dt.datetime:
    """A time before which there are at least three scans of the jar, all of them stored."""
    node = admin.get_node(server.node_id(f"{JAR}.Voltage"))
    async with asyncio.timeout(20):
        while len(found := await node.read_raw_history(None, now(), 3, False)) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    last: dt.datetime = max(value.SourceTimestamp for value in found)
    return last


async def export(
    server: OpcUaTestServer, client: Client, *variables: str, form: str = "csv", **other: Any
) -> tuple[ua.NodeId, int]:
    """Call Export."""
    method, parent = server.node_id("Historian.Export"), server.node_id("Historian")
    end = other.get("end", now())
    start = other.get("start", end - dt.timedelta(hours=1))
    arguments = [
        ua.Variant(list(variables), ua.VariantType.String, is_array=True),
        ua.Variant(start, ua.VariantType.DateTime),
        ua.Variant(end, ua.VariantType.DateTime),
        ua.Variant(other.get("step", "raw"), ua.VariantType.String),
        ua.Variant(form, ua.VariantType.String),
    ]
    file, handle = await client.get_node(parent).call_method(method, *arguments)
    return file, handle


async def call(client: Client, file: ua.NodeId, method: str, *values: ua.Variant) -> Any:
    """A method of a file, by the NodeId that it has in the type."""
    return await client.get_node(file).call_method(
        ua.NodeId(getattr(ua.ObjectIds, f"FileType_{method}")), *values
    )


def u32(value: int) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.UInt32)


def i32(value: int) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.Int32)


async def read_all(client: Client, file: ua.NodeId, handle: int, length: int = 1000) -> bytes:
    data = b""
    while part := await call(client, file, "Read", u32(handle), i32(length)):
        assert len(part) <= length
        data += part
    return data


async def test_a_file_is_read_to_its_end_and_gone_when_closed(
    server: OpcUaTestServer, admin: Client, scanned: dt.datetime
) -> None:
    file, handle = await export(server, admin, f"{JAR}.Voltage", end=scanned)
    data = await read_all(admin, file, handle)
    rows = list(csv.reader(io.StringIO(data.decode())))
    assert rows[0] == ["Time", "Voltage [V]", "Status"]
    history = await admin.get_node(server.node_id(f"{JAR}.Voltage")).read_raw_history(
        scanned - dt.timedelta(hours=1), scanned, return_bounds=False
    )
    stored = [f"{value.Value.Value:.10g}" for value in history if value.Value.Value is not None]
    assert [f"{float(row[1]):.10g}" for row in rows[1:] if row[1]] == stored
    folder = server.settings.home / "exports"
    assert len(list(folder.iterdir())) == 1
    await call(admin, file, "Close", u32(handle))
    assert not list(folder.iterdir())
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await call(admin, file, "Read", u32(handle), i32(10))
    assert refused.value.code == S.BadNodeIdUnknown


@pytest.mark.parametrize("form", FORMATS)
async def test_every_format_is_read_by_a_clients_own_file(
    server: OpcUaTestServer, admin: Client, scanned: dt.datetime, form: str
) -> None:
    """asyncua's file finds Size, Open, Read and Close by browse paths, as node-opcua's does."""
    node_id, handle = await export(server, admin, f"{JAR}.*", form=form, end=scanned)
    whole = await read_all(admin, node_id, handle, 100_000)  # asyncua's reads what is there, and no more
    async with UaFile(admin.get_node(node_id), "r") as file:
        data = await file.read()
        assert data == whole
        assert len(data) == await file.get_size()
    assert data.startswith(FORMATS[form])
    node = admin.get_node(node_id)
    assert await node.read_type_definition() == ua.NodeId(ua.ObjectIds.FileType)
    for name, value in (("Writable", False), ("UserWritable", False), ("OpenCount", 1)):
        assert await (await node.get_child(f"0:{name}")).read_value() == value


async def test_positions_are_kept_by_handle(
    server: OpcUaTestServer, admin: Client, scanned: dt.datetime
) -> None:
    file, first = await export(server, admin, f"{JAR}.Voltage", end=scanned)
    second = await call(admin, file, "Open", ua.Variant(1, ua.VariantType.Byte))
    assert await call(admin, file, "Read", u32(first), i32(5)) == b"Time,"
    assert await call(admin, file, "GetPosition", u32(first)) == 5
    assert await call(admin, file, "GetPosition", u32(second)) == 0
    await call(admin, file, "SetPosition", u32(second), ua.Variant(1, ua.VariantType.UInt64))
    assert await call(admin, file, "Read", u32(second), i32(3)) == b"ime"
    for method, values, code in (
        ("Open", [ua.Variant(2, ua.VariantType.Byte)], S.BadNotWritable),
        ("Write", [u32(first), ua.Variant(b"x", ua.VariantType.ByteString)], S.BadNotWritable),
        ("Read", [u32(99), i32(1)], S.BadInvalidArgument),
        ("Read", [u32(first), i32(0)], S.BadInvalidArgument),
        ("Close", [u32(99)], S.BadInvalidArgument),
    ):
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await call(admin, file, method, *values)
        assert refused.value.code == code, method


@pytest.mark.parametrize(
    ("variables", "other"),
    [
        (["Nowhere.Voltage"], {}),
        ([f"{JAR}.Nothing"], {}),
        ([], {}),
        ([f"{JAR}.Voltage"], {"form": "doc"}),
        ([f"{JAR}.Voltage"], {"step": "weekly"}),
        ([f"{JAR}.Voltage"], {"start": dt.datetime(2027, 1, 1), "end": dt.datetime(2026, 1, 1)}),
        (["X"] * 1001, {}),
    ],
)
async def test_what_cannot_be_exported_is_refused_at_once(
    server: OpcUaTestServer, admin: Client, variables: list[str], other: dict[str, Any]
) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await export(server, admin, *variables, **other)
    assert refused.value.code == S.BadInvalidArgument


async def test_strangers_make_no_files_and_reach_none_of_others(
    server: OpcUaTestServer, admin: Client, client: Client, scanned: dt.datetime
) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await export(server, client, f"{JAR}.Voltage")
    assert refused.value.code == S.BadUserAccessDenied
    file, handle = await export(server, admin, f"{JAR}.Voltage", end=scanned)
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await call(client, file, "Read", u32(handle), i32(10))
    assert refused.value.code == S.BadUserAccessDenied


async def test_another_session_of_the_same_user_does_not_reach_a_file(
    server: OpcUaTestServer, admin: Client, other: Client, scanned: dt.datetime
) -> None:
    file, handle = await export(server, admin, f"{JAR}.Voltage", end=scanned)
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await call(other, file, "Read", u32(handle), i32(10))
    assert refused.value.code == S.BadUserAccessDenied


@pytest.fixture
async def other(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    """A second session of the administrator."""
    async with server.admin(client_home) as client:
        yield client


async def test_files_are_limited_and_go_with_their_session(
    server: OpcUaTestServer, client_home: Path, until: Any, scanned: dt.datetime
) -> None:
    folder = server.settings.home / "exports"
    async with server.admin(client_home) as client:
        for _ in range(server_exports.MOST_OF_SESSION):
            await export(server, client, f"{JAR}.Voltage", end=scanned)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await export(server, client, f"{JAR}.Voltage", end=scanned)
        assert refused.value.code == S.BadResourceUnavailable
    await until(lambda: not list(folder.iterdir()))


async def test_a_file_that_nobody_asks_for_expires(
    server: OpcUaTestServer, admin: Client, until: Any, scanned: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, handle = await export(server, admin, f"{JAR}.Voltage", end=scanned)
    await call(admin, file, "Read", u32(handle), i32(10))
    monkeypatch.setattr(server_exports, "IDLE", 0.5)
    await until(lambda: not list((server.settings.home / "exports").iterdir()))
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await call(admin, file, "Read", u32(handle), i32(10))
    assert refused.value.code == S.BadNodeIdUnknown


async def test_a_file_that_grows_too_large_fails_and_says_so(
    server: OpcUaTestServer, admin: Client, scanned: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_exports, "MAX_BYTES", 100)
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await export(server, admin, "Bangrak/**.*", end=scanned)
    assert refused.value.code == S.BadResourceUnavailable


async def test_an_export_is_audited(
    server: OpcUaTestServer, admin: Client, until: Any, scanned: dt.datetime
) -> None:
    entries: list[Any] = []
    audit = server.app._opcua.audit
    audit.sinks.append(entries.append)
    try:
        await export(server, admin, f"{JAR}.Voltage", end=scanned)
        await until(lambda: any(entry.action == "export" for entry in entries))
    finally:
        audit.sinks.remove(entries.append)
    (entry,) = [entry for entry in entries if entry.action == "export"]
    assert (entry.user, entry.status) == ("admin", 0)
    assert JAR in entry.new
