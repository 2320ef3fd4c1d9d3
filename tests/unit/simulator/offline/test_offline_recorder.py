"""What an offline run writes: the monitors' readings and nothing else, by site and month, twice the same."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from offlineruns import DAY, HOUR, SECOND, files, job, read, run, two_sites

from nodeset import status as st
from nodeset.fleet import AssetType, build_fleet
from nodeset.index import TagIndex
from nodeset.tags import Mains
from simulator.interruptions import NEVER
from simulator.mains import outages_of
from simulator.occurrences import OccurrenceKind
from simulator.offline import block, groups
from simulator.offline.job import Content, Job
from simulator.offline.recorder import record
from simulator.plant import Plant


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days over the end of a month, a reading every quarter of an hour."""
    out = tmp_path_factory.mktemp("january")
    run(job(days=2.0), out)
    return out


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(january: Path, tmp_path: Path) -> None:
    run(job(days=2.0), tmp_path / "same")
    run(job(days=2.0, seed=8), tmp_path / "other")
    assert files(tmp_path / "same") == files(january)
    other = files(tmp_path / "other")
    assert set(other) == set(files(january))
    assert other["raw/jar/Phuket/2024-01.parquet"] != files(january)["raw/jar/Phuket/2024-01.parquet"]


def test_there_is_a_file_for_each_site_and_month_of_each_kind_of_asset(january: Path) -> None:
    kinds = [f"{c}/{a}" for c in ("raw", "hourly") for a in ("jar", "string", "system", "site")] + ["events"]
    months = [f"{s}/{m}" for s in ("Bangrak", "Phuket") for m in ("2024-01", "2024-02")]
    assert set(files(january)) == {f"{kind}/{month}.parquet" for kind in kinds for month in months}


def test_a_month_holds_its_own_times_and_every_one_of_them(january: Path) -> None:
    begin = job().start
    for month, first in (("2024-01", begin), ("2024-02", begin + DAY)):
        raw = read(january / f"raw/jar/Bangrak/{month}.parquet")
        expected = list(range(first, first + DAY, 900 * SECOND))
        assert raw["time"] == expected * 12
        assert raw["path"][:: len(expected)] == [
            f"Bangrak/UPS-1/{string}/J{i:02d}" for string in ("S01", "S02") for i in range(1, 7)
        ]
        hours = read(january / f"hourly/system/Bangrak/{month}.parquet")["time"]
        assert hours == list(range(first, first + DAY, HOUR))


def test_raw_is_what_the_monitors_read_and_a_gap_is_missing(january: Path) -> None:
    index = TagIndex(build_fleet(two_sites()))
    plant = Plant(index, 7, job().start)
    raw = read(january / "raw/jar/Bangrak/2024-01.parquet")
    voltage = np.array(raw["Voltage"], np.float64).reshape(12, -1)
    status = np.array([np.nan if s is None else s for s in raw["VoltageStatus"]]).reshape(12, -1)
    gaps = 0
    for i, time in enumerate(range(job().start, job().start + DAY, 900 * SECOND)):
        plant.advance(time)
        readings = plant.readings()
        value, code = np.full(index.size, np.nan), np.full(index.size, np.nan)
        value[readings.rows], code[readings.rows] = readings.value, readings.status
        expected = index.column(value, AssetType.JAR, "Voltage")[:12]
        assert np.allclose(voltage[:, i], expected, atol=1e-6, equal_nan=True)
        wanted = index.column(code, AssetType.JAR, "Voltage")[:12]
        assert np.array_equal(status[:, i], wanted, equal_nan=True)
        gaps += int(np.isnan(expected).sum())
    assert np.isnan(voltage).sum() == gaps


def test_missing_and_bad_readings_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jar that is silent has no value and no status; a sensor that is broken has both."""
    original = Plant.readings
    index = TagIndex(build_fleet(two_sites()))
    silent, broken = (index.row(f"Phuket/UPS-1/S01/J0{i}", "Temperature") for i in (1, 2))

    def readings(plant: Plant) -> object:
        found = original(plant)
        status = np.where(found.rows == broken, st.BAD_SENSOR_FAILURE, found.status).astype(np.uint32)
        here = found.rows != silent
        return replace(
            found, rows=found.rows[here], value=found.value[here], status=status[here], time=found.time[here]
        )

    monkeypatch.setattr(Plant, "readings", readings)
    run(job(days=0.25), tmp_path)
    raw = read(tmp_path / "raw/jar/Phuket/2024-01.parquet")
    assert set(raw["Temperature"][:24]) == set(raw["TemperatureStatus"][:24]) == {None}
    assert None not in raw["Voltage"][:24]
    assert set(raw["TemperatureStatus"][24:48]) <= {st.BAD_SENSOR_FAILURE, None}
    assert None not in raw["Temperature"][24:48] or None in raw["TemperatureStatus"][24:48]
    hourly = read(tmp_path / "hourly/jar/Phuket/2024-01.parquet")
    assert hourly["TemperatureCount"][:12] == [0] * 12
    assert hourly["TemperatureMean"][:12] == [None] * 12


@pytest.mark.parametrize("step", [60.0, 7 * 60.0])
def test_hours_are_the_aggregates_of_the_good_raw_readings(tmp_path: Path, step: float) -> None:
    run(job(days=0.5, step=step), tmp_path)
    for asset, tag in (("jar", "Voltage"), ("string", "Current"), ("site", "MainsState")):
        raw, hourly = (read(tmp_path / f"{c}/{asset}/Bangrak/2024-01.parquet") for c in ("raw", "hourly"))
        path, time = np.array(raw["path"]), np.array(raw["time"])
        value = np.array(raw[tag], np.float64)
        for i, (asset_path, start) in enumerate(zip(hourly["path"], hourly["time"], strict=True)):
            own = value[(path == asset_path) & (time >= start) & (time < start + HOUR)]
            own = own[~np.isnan(own)]
            assert hourly[f"{tag}Count"][i] == len(own)
            found = [hourly[f"{tag}{name}"][i] for name in ("Mean", "Min", "Max")]
            assert found == pytest.approx([own.mean(), own.min(), own.max()], abs=1e-5)


def test_the_event_log_says_what_happened_and_the_readings_agree(tmp_path: Path) -> None:
    wanted = _job_with_an_outage()
    run(wanted, tmp_path)
    plant = Plant(TagIndex(build_fleet(two_sites())), 7, wanted.start)
    seen = []
    for time in (*range(wanted.start, wanted.end, wanted.step), wanted.end):
        plant.advance(time)
        seen += [o for o in plant.occurrences() if wanted.start <= o.time < wanted.end]
    logged = [
        event
        for path in sorted((tmp_path / "events").rglob("*.parquet"))
        for event in zip(*(read(path)[name] for name in ("time", "kind", "path", "detail")), strict=True)
    ]
    assert sorted(logged) == sorted((o.time, o.kind.value, o.path, o.detail) for o in seen)
    began, ended = (
        next(time for time, kind, path, _ in logged if kind == name and path == "Phuket")
        for name in (OccurrenceKind.OUTAGE_BEGAN, OccurrenceKind.OUTAGE_ENDED)
    )
    raw = [read(path) for path in sorted((tmp_path / "raw/site/Phuket").glob("*.parquet"))]
    lost = {
        time
        for month in raw
        for time, state in zip(month["time"], month["MainsState"], strict=True)
        if state == Mains.LOST
    }
    assert lost >= {time for time in range(wanted.start, wanted.end, wanted.step) if began < time < ended}
    assert lost


def _job_with_an_outage() -> Job:
    """Two days around an outage of Phuket that begins and ends in them."""
    index = TagIndex(build_fleet(two_sites()))
    mains = outages_of(index.fleet, 7)
    for week in range(mains.number(job().start) + 1, mains.number(job().start) + 200):
        begin = int(mains.block(week)[0][1])
        if begin < NEVER:
            day = dt.datetime.fromtimestamp(begin / SECOND, dt.UTC).date()
            return job(days=2.0, step=60.0, first=day.isoformat())
    raise AssertionError("no outage in four years")


def test_a_sites_files_are_the_same_when_it_is_written_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, name in ((1100, "one group"), (12, "a group each")):
        monkeypatch.setattr(groups, "MOST_JARS", most)
        run(job(days=0.25), tmp_path / name / "all")
        run(job(days=0.25, sites=("Phuket",)), tmp_path / name / "alone")
        whole, alone = files(tmp_path / name / "all"), files(tmp_path / name / "alone")
        assert alone == {path: data for path, data in whole.items() if "/Phuket/" in path}


def test_what_is_left_out_is_not_there_and_the_rest_is_the_same(january: Path, tmp_path: Path) -> None:
    run(job(days=2.0, contents=(Content.HOURLY,)), tmp_path)
    assert files(tmp_path) == {p: data for p, data in files(january).items() if p.startswith("hourly/")}


def test_a_day_is_a_row_group_and_small_blocks_hold_the_same_rows(
    january: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block, "MOST_CELLS", 2000)
    run(job(days=2.0), tmp_path)
    name = "raw/jar/Bangrak/2024-02.parquet"
    assert pq.ParquetFile(january / name).num_row_groups == 1
    assert pq.ParquetFile(tmp_path / name).num_row_groups > 2
    small, whole = (_sorted(read(folder / name)) for folder in (tmp_path, january))
    assert small == whole


def _sorted(columns: dict[str, list[object]]) -> list[tuple[object, ...]]:
    rows = zip(columns["path"], columns["time"], columns["Voltage"], columns["VoltageStatus"], strict=True)
    return sorted(rows, key=lambda row: (str(row[0]), str(row[1])))


def test_columns_have_small_types_and_say_their_units(january: Path) -> None:
    raw = pq.read_schema(january / "raw/jar/Phuket/2024-01.parquet")
    assert str(raw.field("time").type) == "timestamp[us, tz=UTC]"
    assert str(raw.field("InternalResistance").type) == "float"
    assert raw.field("InternalResistance").metadata[b"unit"].decode() == "mΩ"
    assert str(raw.field("InternalResistanceStatus").type) == "uint32"
    hourly = pq.read_schema(january / "hourly/site/Phuket/2024-01.parquet")
    for name in ("Mean", "Min", "Max"):
        assert str(hourly.field(f"AmbientTemperature{name}").type) == "float"
    assert str(hourly.field("AmbientTemperatureCount").type) == "uint16"
    assert not {name for name in raw.names if name.startswith(("StateOf", "Remaining", "Twin"))}


def test_a_listener_that_gives_up_stops_the_run_and_no_half_file_has_its_name(tmp_path: Path) -> None:
    wanted = job(days=2.0)

    def tell(done: int) -> None:
        if done >= 100:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        record(wanted, wanted.groups[0], tmp_path, tell)
    whole = {path.name for path in tmp_path.rglob("*.parquet") if not path.name.startswith(".")}
    assert whole == {"2024-01.parquet"}
