"""What was stored comes out in files: every value and status, whichever kind of file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr
from storedframes import SECOND, any_frame, roll_up

from config.settings import Historian as Settings
from historian.export import lines as export_lines
from historian.export.files import whole, write
from historian.export.request import ExportError, Format, Request, Step
from historian.historian import Historian
from nodeset import status as st
from nodeset.frame import Frame
from nodeset.index import TagIndex
from nodeset.tags import Kind, quarter_text

START = 1_767_225_540_000_000  # 2025-12-31T23:59:00Z
SCANS = 5
JAR = "Bangrak/UPS-1/S01/J02"


@pytest.fixture
async def frames(home: Path, either: str, small_index: TagIndex, until: Any) -> list[Frame]:
    """Scans a minute apart over midnight, which are stored."""
    historian = await Historian.start(Settings(url=SecretStr(either)), home, small_index, lambda text: None)
    made = [any_frame(small_index, START + i * 30 * SECOND + i) for i in range(SCANS)]
    for frame in made:
        historian.offer(frame)
    await until(lambda: historian.stats.scans_written == SCANS)
    await historian.close()
    return made


@pytest.fixture
def connection(either: str, frames: list[Frame]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(either, autocommit=True) as connection:
        yield connection


LATER = START + 3 * 86_400 * SECOND


def request_of(*variables: str, form: Format = Format.CSV, step: Step = Step.RAW, zone: str = "") -> Request:
    return Request(variables, START, START + 3600 * SECOND, step, form, zone)


def read_csv(connection: psycopg.Connection[Any], request: Request, folder: Path) -> list[list[str]]:
    path = folder / "export.csv"
    write(connection, request, path, lambda share: None)
    return list(csv.reader(io.StringIO(path.read_text("utf-8"))))


def texts(index: TagIndex, frame: Frame, path: str, names: list[str]) -> list[str]:
    """What the values of an asset look like in a file."""
    found = []
    for name in names:
        row = index.row(path, name)
        assert row is not None
        tag, _ = index.locate(row)
        value = frame.value[row]
        if np.isnan(value):
            found.append("")
        elif tag.kind is Kind.STATE:
            found.append(tag.states[int(value)])
        elif tag.kind is Kind.QUARTER:
            found.append(quarter_text(value))
        elif tag.kind is Kind.JAR:
            found.append(index.fleet.jars[int(value)].path)
        else:
            found.append(f"{round(value * tag.scale) / tag.scale:.10g}")
    return found


@pytest.mark.parametrize("path", [JAR, "Bangrak/UPS-1/S01", "Bangrak/UPS-1", "Bangrak", "Fleet"])
def test_every_value_of_an_asset_is_in_the_csv(
    connection: Any, frames: list[Frame], small_index: TagIndex, tmp_path: Path, path: str
) -> None:
    head, *rows = read_csv(connection, request_of(path), tmp_path)
    names = [text.split(" [")[0] for text in head[1:-1]]
    kind = small_index.fleet.index_of[path][0]
    assert names == [tag.name for tag in small_index.tags if tag.asset is kind]
    assert [row[0] for row in rows] == [
        dt.datetime.fromtimestamp(frame.time // SECOND, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        + (f".{frame.time % SECOND:06d}Z" if frame.time % SECOND else "Z")
        for frame in frames
    ]
    for frame, row in zip(frames, rows, strict=True):
        wanted = texts(small_index, frame, path, names)
        assert [f"{float(a):.10g}" if _is_number(a) else a for a in row[1:-1]] == wanted


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()


def test_units_and_statuses_are_told(
    connection: Any, frames: list[Frame], small_index: TagIndex, tmp_path: Path
) -> None:
    head, *rows = read_csv(connection, request_of(f"{JAR}.Voltage", f"{JAR}.Temperature"), tmp_path)
    assert head == ["Time", "Voltage [V]", "Temperature [°C]", "Status"]
    for frame, row in zip(frames, rows, strict=True):
        codes = [
            int(frame.status[small_index.row_of_id(f"{JAR}.{name}")]) for name in ("Voltage", "Temperature")
        ]
        names = [st.name_of(code) for code in codes]
        listed = "; ".join(
            f"{tag}={name}"
            for tag, name in zip(("Voltage", "Temperature"), names, strict=True)
            if name != "Good"
        )
        assert row[-1] == (names[0] if names[0] == names[1] else listed)


def test_several_assets_say_which_one_a_row_is_of(connection: Any, tmp_path: Path) -> None:
    request = request_of("Bangrak/UPS-1/S01/*.Voltage", "Bangrak/UPS-1/S01.Voltage", "Fleet.HealthyJars")
    head, *rows = read_csv(connection, request, tmp_path)
    assert head == ["Time", "Asset", "Voltage [V]", "HealthyJars", "Status"]
    order = list(dict.fromkeys(row[1] for row in rows))
    assert order[:2] == ["Bangrak/UPS-1/S01/J01", JAR]
    assert order[-2:] == ["Bangrak/UPS-1/S01", "Fleet"]
    assert len(rows) == SCANS * len(order)
    assert all(row[3] == "" for row in rows if row[1] != "Fleet")


def test_a_value_that_was_never_stored_has_no_row(connection: Any, either: str, tmp_path: Path) -> None:
    with psycopg.connect(either) as other:
        other.execute("UPDATE jar_reading SET voltage = NULL, quality = 0")
    assert read_csv(connection, request_of(f"{JAR}.Voltage"), tmp_path) == [["Time", "Voltage [V]", "Status"]]
    rows = read_csv(connection, request_of(f"{JAR}.Voltage", f"{JAR}.Current"), tmp_path)[1:]
    assert rows
    assert {row[1] for row in rows} == {""}


def test_a_long_range_goes_in_pieces_with_nothing_lost(
    connection: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_file = read_csv(connection, request_of("Bangrak/**.*"), tmp_path)
    monkeypatch.setattr(export_lines, "_FIRST_PIECE", {Step.RAW: 7 * SECOND})
    monkeypatch.setattr(export_lines, "QUICK", 0.0)
    monkeypatch.setattr(export_lines, "MOST_BYTES", 100)
    monkeypatch.setattr(export_lines, "ROWS_AT_ONCE", 2)
    done: list[float] = []
    path = tmp_path / "pieces.csv"
    write(connection, request_of("Bangrak/**.*"), path, done.append)
    assert list(csv.reader(io.StringIO(path.read_text()))) == whole_file
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_parquet_has_types_units_and_the_same_rows(connection: Any, tmp_path: Path) -> None:
    variables = (f"{JAR}.Voltage", f"{JAR}.HealthStatus", f"{JAR}.ReplacementQuarter")
    rows = read_csv(connection, request_of(*variables), tmp_path)[1:]
    path = tmp_path / "export.parquet"
    write(connection, request_of(*variables, form=Format.PARQUET), path, lambda share: None)
    table = pq.read_table(path)
    assert [str(field.type) for field in table.schema][:2] == ["timestamp[us, tz=UTC]", "double"]
    assert table.schema.field("Voltage [V]").metadata[b"unit"] == b"V"
    columns = [table.column(i).to_pylist() for i in range(table.num_columns)]
    got = [
        [t.isoformat(), *("" if x is None else str(x) for x in rest)]
        for t, *rest in zip(*columns, strict=True)
    ]
    assert got == [[row[0].replace("Z", "+00:00"), *row[1:]] for row in rows]


def test_excel_shows_local_time_if_asked_and_takes_no_text_for_a_formula(
    connection: Any, either: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from historian.export import excelfile

    monkeypatch.setattr(excelfile, "ROWS", 4)
    with psycopg.connect(either) as other:
        other.execute("UPDATE asset SET path = '=1+1' WHERE path = %s", (JAR,))
    path = tmp_path / "export.xlsx"
    request = request_of("=1+1.Voltage", "Fleet.HealthyJars", form=Format.EXCEL, zone="Asia/Bangkok")
    write(connection, request, path, lambda share: None)
    with zipfile.ZipFile(path) as book:
        sheets = sorted(name for name in book.namelist() if "worksheets/sheet" in name)
        first = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        everything = b"".join(book.read(name) for name in sheets)
    assert len(sheets) == 4  # 2 assets of 5 rows, 3 a sheet below its heading
    space = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    assert first.find(".//s:pane[@state='frozen']", space) is not None
    assert b"<f>" not in everything
    assert b"=1+1" in everything
    value = first.find(".//s:c[@r='A2']/s:v", space)
    assert value is not None
    local = dt.datetime(1899, 12, 30) + dt.timedelta(days=float(value.text or ""))
    assert abs(local - dt.datetime(2026, 1, 1, 6, 59)) < dt.timedelta(seconds=1)


async def test_hours_and_days_are_of_the_values_that_are_not_bad(
    either: str, frames: list[Frame], small_index: TagIndex, tmp_path: Path
) -> None:
    assert await roll_up(either, LATER) == (2, 2)
    with psycopg.connect(either, autocommit=True) as connection:
        for step, start in ((Step.HOURLY, "2025-12-31T23:00:00Z"), (Step.DAILY, "2025-12-31T00:00:00Z")):
            request = replace(request_of(f"{JAR}.Voltage", f"{JAR}.HealthStatus", step=step), start=0)
            head, *rows = read_csv(connection, request, tmp_path)
            assert head[1:4] == ["Voltage mean [V]", "Voltage min [V]", "Voltage max [V]"]
            assert head[4:] == ["HealthStatus min", "HealthStatus max", "Readings", "Good [%]", "Status"]
            assert [row[0] for row in rows] == [start, "2026-01-01T00:00:00Z"]
            for row, part in zip(rows, (frames[:2], frames[2:]), strict=True):
                check_figures(row, part, small_index)


def check_figures(row: list[str], frames: list[Frame], index: TagIndex) -> None:
    """A row of what `frames` sum up to."""
    voltage, health = (index.row_of_id(f"{JAR}.{name}") for name in ("Voltage", "HealthStatus"))
    usable = [f.value[voltage] for f in frames if f.status[voltage] != st.BAD_NO_COMMUNICATION]
    if usable:
        figures = [np.mean(usable), min(usable), max(usable)]
        assert [float(text) for text in row[1:4]] == pytest.approx(figures, abs=1e-3)
    else:
        assert row[1:4] == ["", "", ""]
    good = [frame for frame in frames if frame.status[voltage] == frame.status[health] == st.GOOD]
    assert row[6:8] == [str(len(frames)), f"{100 * len(good) / len(frames):.2f}"]
    assert (row[8] == "Good") == (len(good) == len(frames))


@pytest.mark.parametrize("variable", ["Nowhere.Voltage", f"{JAR}.Nothing", "Bangrak/*/S99.*", "", ".Voltage"])
def test_what_means_no_variable_is_refused_by_name(connection: Any, tmp_path: Path, variable: str) -> None:
    with pytest.raises(ExportError, match="has no variable"):
        read_csv(connection, request_of(JAR, variable), tmp_path)


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("of yesterday")

    def interrupted(aside: Path) -> None:
        aside.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), whole(path) as aside:
        interrupted(aside)
    assert [each.name for each in tmp_path.iterdir()] == ["export.csv"]
    assert path.read_text() == "of yesterday"


@pytest.mark.parametrize(
    ("step", "heading", "first"),
    [
        (Step.HOURLY, "Time (Asia/Kathmandu)", dt.datetime(2026, 1, 1, 4, 45)),
        # Days are rolled up by UTC, and are told as what they are.
        (Step.DAILY, "Time (UTC)", dt.datetime(2025, 12, 31)),
    ],
)
async def test_excel_shows_hours_in_the_zone_and_days_as_those_of_utc(
    either: str, frames: list[Frame], tmp_path: Path, step: Step, heading: str, first: dt.datetime
) -> None:
    assert await roll_up(either, LATER) == (2, 2)
    path = tmp_path / "export.xlsx"
    request = request_of(f"{JAR}.Voltage", form=Format.EXCEL, step=step, zone="Asia/Kathmandu")
    with psycopg.connect(either, autocommit=True) as connection:
        write(connection, replace(request, start=0), path, lambda share: None)
    with zipfile.ZipFile(path) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    space = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    assert heading in [each.text for each in sheet.iterfind(".//s:t", space)]
    value = sheet.find(".//s:c[@r='A2']/s:v", space)
    assert value is not None
    local = dt.datetime(1899, 12, 30) + dt.timedelta(days=float(value.text or ""))
    assert abs(local - first) < dt.timedelta(seconds=1)
