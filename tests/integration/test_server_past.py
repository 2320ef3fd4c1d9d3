"""The first start of a simulated plant: its past in the historian, without a seam, also when interrupted."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, serve
from test_server_history import read, values

from config.fleetfile import read_fleet_file
from historian.columns import TABLES
from historian.due import datetime_of
from nodeset.fleet import AssetType, build_fleet
from nodeset.index import TagIndex
from server.scanning import backfill
from server.scanning.backfill import Place, Work
from server.scanning.quality import Staleness
from server.statefiles import read_arrays
from simulator.mains import log_of_outages
from simulator.past import DAY, HOUR, RAW_STEP, Span

BEGINNING = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
DAYS = 1.5
_ROWS = "SELECT * FROM {} ORDER BY asset_id, ts"


@pytest.fixture
def server(home: Path, database: str) -> Iterator[OpcUaTestServer]:
    """A server at its first start, with a past of a day and a half."""
    server, end = serve(home, database, simulator={"past_days": DAYS, "seed": 3})
    yield server
    end()


async def _written(server: OpcUaTestServer) -> Work:
    """What has been written, once it is."""
    place = server.app._place
    async with asyncio.timeout(120):
        while backfill.unfinished(place, 3) is not None:  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.1)
    return Work(**json.loads(place.note.read_text()))


async def test_the_past_is_in_the_historian_and_goes_over_into_the_present(server: OpcUaTestServer) -> None:
    work = await _written(server)
    span = Span(work.begin, work.end)
    async with server.client() as client:
        series = {
            tag: await _series(client, server.node_id(f"{path}.{tag}"))
            for path, tag in (
                ("Bangrak/UPS-1/S01/J02", "Voltage"),
                ("Bangrak/UPS-1/S01/J02", "Temperature"),
                ("Bangrak/UPS-1/S01/J02", "InternalResistance"),
                ("Bangrak/UPS-1/S01/J02", "StateOfHealth"),
                ("Bangrak", "AmbientTemperature"),
            )
        }
    for tag, limit in (
        ("Voltage", 0.05),
        ("Temperature", 1.0),
        ("InternalResistance", 0.3),
        ("StateOfHealth", 1.5),
        ("AmbientTemperature", 1.0),
    ):
        times, found = series[tag]
        assert (np.diff(times) > 0).all()
        past = times < work.end
        expected = [*span.hours, *span.raw_times]
        assert times[past].tolist() == expected
        assert times[~past][0] - expected[-1] >= RAW_STEP  # no overlap
        assert times[~past][0] - work.end < 10 * 1_000_000
        jumps = np.abs(np.diff(found))
        for seam in (len(span.hours) - 1, int(past.sum()) - 1):
            assert jumps[seam] < limit, (tag, seam)


async def _series(client: Client, node_id: ua.NodeId) -> tuple[Any, Any]:
    """Times [µs] and values of a variable's whole history."""
    found: list[ua.DataValue] = []
    start = BEGINNING
    while more := values(await read(client, node_id, start, None, 5000)):
        found += more
        start = more[-1].SourceTimestamp.replace(tzinfo=dt.UTC) + dt.timedelta(microseconds=1)
    times = [round(v.SourceTimestamp.replace(tzinfo=dt.UTC).timestamp() * 1e6) for v in found]
    return np.array(times), np.array([v.Value.Value for v in found], np.float64)


async def test_the_live_twin_takes_over_what_the_past_has_taught(server: OpcUaTestServer) -> None:
    await _written(server)
    learnt = read_arrays(server.app._place.twin)
    assert learnt is not None
    fewest = learnt["ageing.resistance_readings"].min()
    assert fewest > 1000
    async with asyncio.timeout(20):
        while server.app._prognosis.state.ageing.resistance_readings.min() < fewest:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_second_start_writes_no_past_again(home: Path, database: str) -> None:
    server, end = serve(home, database, simulator={"past_days": 0.02, "seed": 3})
    await _written(server)
    end()
    again, end = serve(home, database, simulator={"past_days": 0.02, "seed": 3})
    assert again.app._past is None
    end()


async def test_a_start_that_is_stopped_half_way_is_gone_on_with(home: Path, database: str) -> None:
    server, end = serve(home, database, simulator={"past_days": 20, "seed": 3})
    end()  # long before it is done
    left = backfill.unfinished(server.app._place, 3)
    assert left is not None
    again, end = serve(home, database, simulator={"past_days": 20, "seed": 3})
    try:
        assert again.app._past == left
    finally:
        end()
    other, end = serve(home, database, simulator={"past_days": 20, "seed": 4})
    assert other.app._past is None
    end()


async def test_what_is_gone_on_with_is_the_same_as_what_is_done_at_once(
    tmp_path: Path, home: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _place(tmp_path, database)
    end = 1_790_000_000_000_000 // HOUR * HOUR
    work = Work(3, end - DAY - 12 * HOUR, end)
    await backfill._write(place, work)
    whole, learnt = _rows(database), read_arrays(place.twin)
    assert learnt is not None
    with psycopg.connect(database, autocommit=True) as connection:
        for table in TABLES.values():
            connection.execute(f"DELETE FROM {table.readings} WHERE ts >= to_timestamp({end / 1e6 - 4000})")
    await backfill._write(place, Work(3, work.begin, work.end, end - 4000 * 1_000_000 - 1))
    assert _rows(database) == whole
    again = read_arrays(place.twin)
    assert again is not None
    assert all(np.array_equal(again[name], learnt[name]) for name in learnt)
    assert backfill.unfinished(place, 3) is None


async def test_the_outages_of_the_past_are_in_their_table(tmp_path: Path, home: Path, database: str) -> None:
    place = _place(tmp_path, database)
    fleet = build_fleet(read_fleet_file(place.fleet))
    log = log_of_outages(fleet, 3, 1_780_000_000_000_000, 1_790_000_000_000_000)
    site, began, ended = log[0]
    end = (began + ended) // 2  # as the past ends, mains is not back
    await backfill._write(place, Work(3, end - HOUR, end))
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT path, began, ended FROM outage JOIN asset ON id = asset_id"
        ).fetchall()
    assert found == [(site, datetime_of(began), None)]


def _place(folder: Path, database: str) -> Place:
    from opcuaserver import FLEET_FILE

    fleet = folder / "fleet.yaml"
    fleet.write_text(FLEET_FILE)
    TagIndex(build_fleet(read_fleet_file(fleet)))
    return Place(fleet, folder, database, 730, Staleness(3, 300_000_000))


def _rows(database: str) -> dict[AssetType, list[Any]]:
    with psycopg.connect(database) as connection:
        return {
            asset: connection.execute(_ROWS.format(table.readings)).fetchall()  # type: ignore[arg-type]
            for asset, table in TABLES.items()
        }


def test_a_note_that_cannot_be_read_is_left_alone(tmp_path: Path, database: str) -> None:
    place = _place(tmp_path, database)
    assert backfill.unfinished(place, 1) is None
    place.note.parent.mkdir()
    for text in ("", "{}", "[1]", '{"seed": 1}'):
        place.note.write_text(text)
        assert backfill.unfinished(place, 1) is None
