"""`voltkeep simulate --into historian`: the same readings as in the files, evaluated, in a real database."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
import yaml
from smallfleets import file_of

from config.fleetfile import FleetFile
from config.settings import Settings, load_settings
from historian.assets import register
from historian.columns import TABLES
from historian.connections import connect
from historian.embedded import Embedded
from historian.quality import QualityDictionary
from historian.reader import Reader
from historian.series import Variables
from historian.span import Span
from nodeset import status as st
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex
from server.errors import RequestError
from server.historianload import estimated_bytes, fault, load_job, warning
from simulator.mains import log_of_outages
from simulator.offline.job import Content, Job, job_of
from simulator.offline.recorder import record

ROOT = Path(__file__).parents[2]
NOW = round(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp() * 1e6)
DAY = 86_400_000_000


def _file() -> FleetFile:
    return file_of({"Bangrak": {"UPS-1": (10, {"S01": 6, "S02": 6})}, "Phuket": {"UPS-1": (5, {"S01": 6})}})


def _job(days: float = 0.1, sites: tuple[str, ...] = ()) -> Job:
    return job_of(_file(), 7, dt.date(2025, 3, 1), (0.0, days), 60.0, sites)


def _settings(home: Path, **historian: Any) -> Settings:
    return load_settings(overrides={"home": home, "historian": historian})


async def test_the_historian_holds_the_readings_of_the_files(
    home: Path, tmp_path: Path, database: str
) -> None:
    job, told = _job(), []
    rows = await load_job(job, _settings(home, url=database), told.append)
    assert told == list(range(1, 145))
    index = TagIndex(build_fleet(_file()))
    assert rows == 144 * (18 + 3 + 2 + 2 + 1)
    for group in job.groups:
        record(job, group, tmp_path, lambda done: None)
    async with await connect(database) as connection:
        ids = await register(connection, index.fleet)
        reader = Reader(Variables(index, ids, QualityDictionary(), lambda asset, i: None))
        for path, tag, file in (
            ("Bangrak/UPS-1/S02/J03", "Voltage", "jar/Bangrak"),
            ("Phuket/UPS-1/S01/J01", "Temperature", "jar/Phuket"),
            ("Phuket", "AmbientTemperature", "site/Phuket"),
            ("Bangrak/UPS-1", "OperatingMode", "system/Bangrak"),
        ):
            written = pq.read_table(tmp_path / "raw" / file / "2025-03.parquet").to_pylist()
            expected = {row["time"]: row[tag] for row in written if row["path"] == path}
            row = index.row(path, tag)
            assert row is not None
            history = await reader.read_raw(connection, row, Span.of(job.start, job.end), 0, False)
            assert len(history.value) == 144
            for time, value, status in zip(history.time, history.value, history.status, strict=True):
                wanted = expected[dt.datetime.fromtimestamp(time / 1e6, dt.UTC)]
                if wanted is None:  # a gap: the last value, or none yet
                    continue
                assert value == pytest.approx(wanted, abs=0.006)
                assert status == st.GOOD


async def test_the_twin_and_the_totals_are_there_too(home: Path, database: str) -> None:
    await load_job(_job(), _settings(home, url=database), lambda done: None)
    with psycopg.connect(database) as connection:
        query = "SELECT min(state_of_charge), max(remaining_useful_life), count(*) FROM jar_reading"
        charge, life, count = connection.execute(query).fetchone() or (None, None, 0)
        (low,) = connection.execute("SELECT min(jar_voltage_min) FROM string_reading").fetchone() or (0,)
        (jars,) = connection.execute("SELECT DISTINCT jars FROM fleet_reading").fetchone() or (0,)
    assert charge is not None
    assert charge > 9000
    assert life > 0
    assert low > 13_000
    assert (count, jars) == (144 * 18, 18)


async def test_a_repeated_load_adds_only_what_is_new(home: Path, database: str) -> None:
    settings = _settings(home, url=database)
    await load_job(_job(0.02), settings, lambda done: None)
    before = _contents(database)
    assert await load_job(_job(0.02), settings, lambda done: None) == 0
    assert _contents(database) == before
    assert await load_job(_job(0.03), settings, lambda done: None) == (44 - 29) * 26
    assert [rows[: len(old)] for rows, old in zip(_contents(database), before, strict=True)] == before


def _contents(database: str) -> list[list[Any]]:
    with psycopg.connect(database) as connection:
        return [
            connection.execute(f"SELECT * FROM {table.readings} ORDER BY ts, asset_id").fetchall()  # type: ignore[arg-type]
            for table in TABLES.values()
        ]


async def test_outages_are_those_of_the_log_books(home: Path, database: str) -> None:
    log = log_of_outages(build_fleet(_file()), 7, NOW - 200 * DAY, NOW)
    day = next(began // DAY for site, began, _ in log if site == "Phuket")
    date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    job = job_of(_file(), 7, date, (0.0, 1.0), 3600.0, ("Phuket",), (Content.EVENTS,))
    await load_job(job, _settings(home, url=database), lambda done: None)
    kinds: dict[str, list[int]] = {"OutageBegan": [], "OutageEnded": []}
    for group in job.groups:
        for path, rows in record(job, group, home, lambda done: None).items():
            for row in pq.read_table(home / path).to_pylist() if rows else []:
                kinds.setdefault(row["kind"], []).append(round(row["time"].timestamp() * 1e6))
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT path, began, ended FROM outage JOIN asset ON id = asset_id"
        ).fetchall()
    assert found
    assert {path for path, _, _ in found} == {"Phuket"}
    for column, kind in ((1, "OutageBegan"), (2, "OutageEnded")):
        times = sorted(round(row[column].timestamp() * 1e6) for row in found)
        assert times == pytest.approx(sorted(kinds[kind]), abs=1)


async def test_one_site_is_loaded_as_a_fleet_of_its_own(home: Path, database: str) -> None:
    settings = _settings(home, url=database)
    await load_job(_job(0.02, ("Phuket",)), settings, lambda done: None)
    with psycopg.connect(database) as connection:
        paths = [path for (path,) in connection.execute("SELECT path FROM asset WHERE type = 'Site'")]
        alone = connection.execute(
            "SELECT ts FROM jar_reading JOIN asset ON id = asset_id WHERE path LIKE 'Phuket/%'"
        ).fetchall()
    assert paths == ["Phuket"]
    assert len(alone) == 29 * 6
    assert await load_job(_job(0.02), settings, lambda done: None) == 29 * (12 + 2 + 1 + 1)


def test_the_embedded_database_of_a_running_server_is_left_alone(prepared_home: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(yaml.safe_dump(json.loads(_file().model_dump_json())))
    words = ["--days", "0.01", "--start", "2025-03-01", "--into", "historian"]
    command = [sys.executable, "-m", "server", "simulate", *words, "--fleet", str(fleet)]
    command += ["--home", str(prepared_home)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    server = Embedded(prepared_home)
    asyncio.run(server.start())
    try:
        refused = run()
    finally:
        asyncio.run(server.stop())
    assert refused.returncode == 1
    assert "already uses the home" in refused.stderr
    assert "Traceback" not in refused.stderr
    loaded = run()
    assert loaded.returncode == 0, loaded.stderr
    assert f"{15 * 26:,} new rows" in loaded.stdout


async def test_a_database_that_is_not_there_is_told_in_plain_words(home: Path) -> None:
    settings = _settings(home, url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(RequestError, match=r"The database none at 127\.0\.0\.1 .* cannot be used"):
        await load_job(_job(), settings, lambda done: None)


def test_what_is_not_past_or_too_large_is_refused(home: Path) -> None:
    embedded, own = _settings(home, max_gb=0.001), _settings(home, url="postgresql://host/db", max_gb=0.001)
    job = _job(2.0)
    assert estimated_bytes(job) == pytest.approx(2880 * 18 * 156)
    assert "must be past" in (fault(job, embedded, job.end - 1) or "")
    assert "historian.max_gb" in (fault(job, embedded, NOW) or "")
    assert fault(job, own, NOW) is None
    assert fault(_job(0.1), embedded, NOW) is None


def test_the_user_hears_of_what_the_server_will_drop(home: Path) -> None:
    settings, job = _settings(home, raw_days=100), _job()
    assert warning(job, settings, job.start + 100 * DAY) is None
    assert "older than 100 days" in (warning(job, settings, job.start + 101 * DAY) or "")
