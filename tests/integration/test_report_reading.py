"""A report says what the historian holds of its month, local to the site; as every kind of file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pypdfium2
import pytest
from pydantic import SecretStr
from storedframes import SECOND, roll_up

from config.alarmfile import AlarmFile, open_alarm_file
from config.settings import HERE, Maintenance
from config.settings import Historian as Settings
from historian.export.request import ExportError, Format
from historian.historian import Historian
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import STATES_OF, Health
from server.reports.csvtable import write_csv
from server.reports.excel import write_excel
from server.reports.facts import Report
from server.reports.pdf import write_pdf
from server.reports.reading import read_report
from server.reports.request import ReportOrder, ReportRequest

JAR = "Bangrak/UPS-1/S01/J02"
NOW = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)
QUARTER = 2026 * 4 + 3  # Q4
# Local times, Asia/Bangkok being UTC+7, with the state of health of all jars and the room's temperature.
SCANS = (
    ("2026-09-30T16:30", 97.0, 39.0),  # 23:30 on the last of September
    ("2026-10-01T03:10", 95.0, 24.0),
    ("2026-10-01T03:20", 95.0, 26.0),
    ("2026-10-20T03:00", 93.0, 28.0),
    ("2026-10-31T17:30", 50.0, 40.0),  # half past midnight on the first of November
)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def frame_at(index: TagIndex, time: int, health: float, room: float) -> Frame:
    frame = first_frame(index, time - 1).next(time)
    values = {
        "StateOfHealth": health, "RemainingUsefulLife": 400.0, "RemainingUsefulLifeLower": 200.0,
        "RemainingUsefulLifeUpper": 900.0, "HealthStatus": Health.WARNING, "ReplacementQuarter": QUARTER,
        "Voltage": 13.6, "Temperature": 26.0, "InternalResistance": 3.3,
    }  # fmt: skip
    for name, value in values.items():
        frame.put(AssetType.JAR, name, float(value), st.GOOD)
    for kind in (AssetType.SITE, AssetType.FLEET):
        frame.put(kind, "FreshDataShare", 100.0, st.GOOD)
        frame.put(kind, "MeanStateOfHealth", health, st.GOOD)
    frame.put(AssetType.SITE, "AmbientTemperature", room, st.GOOD)
    return frame.freeze()


@pytest.fixture
async def filled(home: Path, either: str, small_index: TagIndex, until: Any) -> AsyncIterator[Any]:
    """A database with a few scans, and what happened around October."""
    historian = await Historian.start(Settings(url=SecretStr(either)), home, small_index, lambda text: None)
    for text, health, room in SCANS:
        historian.offer(frame_at(small_index, round(utc(text).timestamp()) * SECOND, health, room))
    await until(lambda: historian.stats.scans_written == len(SCANS))
    await historian.close()
    await roll_up(either, round(NOW.timestamp()) * SECOND)
    with psycopg.connect(either, autocommit=True) as connection:
        _events(connection)
        yield connection


def _events(connection: psycopg.Connection[Any]) -> None:
    site = "(SELECT id FROM asset WHERE path = 'Bangrak')"
    jar = f"(SELECT id FROM asset WHERE path = '{JAR}')"
    connection.execute("DELETE FROM outage")
    connection.execute(
        f"INSERT INTO outage (asset_id, began, ended) VALUES"
        f" ({site}, '2026-09-30 16:00Z', '2026-09-30 17:30Z'), ({site}, '2026-10-31 16:00Z', NULL)".encode()
    )
    connection.execute(
        "INSERT INTO maintenance (asset_id, kind, began, done_by, note, recorded, recorded_by, serial_number,"
        f" baseline_resistance) VALUES ({jar}, 'Replacement', '2026-10-05 02:00Z', 'Somchai', 'ลูกใหม่',"
        " '2026-10-05 03:00Z', 'somchai', 'N-77', 2.9)".encode()
    )
    connection.execute(
        f"INSERT INTO capacity_test VALUES ({jar}, '2026-10-06 02:00Z', '2026-10-06 12:00Z', 10, 10.5,"
        " 25, 95, 100, 'Somchai', '')".encode()
    )
    connection.execute("INSERT INTO condition_definition VALUES (1, '{}')")
    for number, row in enumerate(EVENTS):
        connection.execute(
            "INSERT INTO event (ts, number, event_id, event_type, source, site, severity, simulated, message,"
            " condition, definition, enabled, level, acked, active_ts, shelved) VALUES (%s, %s, %s, 'x', %s,"
            " 'Bangrak', %s, %s, 'm', %s, 1, true, %s, %s, %s, %s)",
            (row[0], number, bytes([number]), JAR, *row[1:]),
        )


RAISED = "2026-10-10 10:00Z"
# Time, severity, simulated, condition, level, acknowledged, active since, shelved.
EVENTS = (
    ("2026-10-10 10:00Z", 400, False, "TemperatureHigh", 1, False, RAISED, None),
    ("2026-10-10 10:05Z", 800, False, "TemperatureHigh", 2, False, RAISED, None),  # the same, worse
    ("2026-10-10 10:30Z", 800, False, "TemperatureHigh", 0, True, RAISED, None),  # and over
    ("2026-10-10 10:02Z", 300, False, "StateOfHealthLow", 1, False, "2026-10-10 10:02Z", None),  # stays
    ("2026-10-12 10:00Z", 900, True, "VoltageLevel", 1, False, "2026-10-12 10:00Z", None),
    ("2026-10-13 10:00Z", 900, False, "SensorFault", 1, False, "2026-10-13 10:00Z", 1),  # shelved
    ("2026-09-30 16:00Z", 900, False, "OhmicDeviation", 0, True, "2026-09-30 16:00Z", None),  # before
)


@pytest.fixture
def order(tmp_path: Path) -> ReportOrder:
    asked = ReportRequest("2026-10", "", Format.PDF, "th", "buddhist")
    time = round(NOW.timestamp()) * SECOND
    rules = Maintenance().model_dump()
    return ReportOrder(asked, None, "", "", "", rules, False, time, str(tmp_path / "report"), 10**9)


@pytest.fixture(scope="module")
def alarms() -> AlarmFile:
    return open_alarm_file(HERE / "alarms.yaml", STATES_OF)[0]


@pytest.fixture
def report(filled: Any, order: ReportOrder, small_index: TagIndex, alarms: AlarmFile) -> Report:
    return read_report(filled, order, small_index.fleet, alarms)


def test_jars_are_as_the_month_left_them(report: Report) -> None:
    assert [(site.name, len(site.jars)) for site in report.sites] == [("Bangrak", 6)]
    for jar in report.whole.jars:
        assert (jar.health, jar.life, jar.quarter, jar.status) == (93.0, 400.0, QUARTER, Health.WARNING)
        assert (jar.health_before, jar.temperature) == (95.0, 26.0)
    (new,) = [jar for jar in report.whole.jars if jar.path == JAR]
    assert (new.serial, new.installed, new.baseline) == ("N-77", dt.date(2026, 10, 5), 2.9)
    assert report.whole.decline == pytest.approx(2.0)


def test_days_and_availability_are_local_and_count_silence(report: Report) -> None:
    (site,) = report.sites
    days = [(day.date, day.low, day.mean, day.high) for day in site.room]
    assert days == [(dt.date(2026, 10, 1), 24.0, 25.0, 26.0), (dt.date(2026, 10, 20), 28.0, 28.0, 28.0)]
    assert site.silent_hours == 31 * 24 - 2
    assert site.fresh == pytest.approx(100 * 2 / (31 * 24))
    assert report.whole.fresh == pytest.approx(site.fresh)


def test_days_are_those_of_a_zone_that_begins_them_within_an_hour_of_utc(
    filled: Any, order: ReportOrder, small_index: TagIndex, alarms: AlarmFile
) -> None:
    zone = ZoneInfo("Asia/Kathmandu")  # UTC+5:45
    fleet = small_index.fleet
    moved = replace(fleet, zone=zone, sites=tuple(replace(site, zone=zone) for site in fleet.sites))
    (site,) = read_report(filled, order, moved, alarms).sites
    # The last scan is a quarter past eleven there, still in October.
    assert [(day.date.day, day.mean) for day in site.room] == [(1, 25.0), (20, 28.0), (31, 40.0)]
    assert site.silent_hours == 31 * 24 - 3


def test_what_happened_is_cut_at_the_months_edges(report: Report) -> None:
    first, second = report.whole.outages
    assert (first.seconds, first.open) == (1800.0, False)  # of 90 min, an hour was in September
    assert (second.seconds, second.open) == (3600.0, True)
    assert [(work.asset, work.kind, work.serial) for work in report.whole.works] == [
        (JAR, "Replacement", "N-77")
    ]
    assert [round(test.health, 1) for test in report.whole.tests] == [95.0]


def test_alarms_are_those_that_operators_saw(report: Report) -> None:
    whole = report.whole
    assert [(alarm.condition, alarm.severity) for alarm in whole.raised] == [
        ("TemperatureHigh", 800), ("StateOfHealthLow", 300)
    ]  # fmt: skip
    assert [(alarm.condition, alarm.active, alarm.acknowledged) for alarm in whole.open] == [
        ("StateOfHealthLow", True, False)
    ]
    assert whole.rates is not None
    assert whole.rates.by_priority == (1, 0, 0, 1)


def test_a_month_that_has_not_begun_and_a_site_that_is_not_there_are_refused(
    filled: Any, order: ReportOrder, small_index: TagIndex, alarms: AlarmFile
) -> None:
    for period, site, said in (("2026-12", "", "has not begun"), ("2026-10", "Nowhere", "no site 'Nowhere'")):
        wrong = replace(order, request=replace(order.request, period=period, site=site))
        with pytest.raises(ExportError, match=said):
            read_report(filled, wrong, small_index.fleet, alarms)


def test_a_month_of_which_nothing_is_known_is_a_report_nonetheless(
    filled: Any, order: ReportOrder, small_index: TagIndex, alarms: AlarmFile, tmp_path: Path
) -> None:
    empty = replace(order, request=replace(order.request, period="2020-02", site="Bangrak"))
    report = read_report(filled, empty, small_index.fleet, alarms)
    assert {jar.health for jar in report.whole.jars} == {None}
    for write in (write_pdf, write_excel, write_csv):
        write(report, "en", "common", tmp_path / "empty")
        assert (tmp_path / "empty").stat().st_size > 500
    write_pdf(report, "en", "common", tmp_path / "empty.pdf")
    text = text_of(tmp_path / "empty.pdf")
    for words in ("No remaining life is known", "no life is known", "No data came in of: Bangrak."):
        assert words in text, words
    for words in ("Trends", "by quarter", "Alarms raised, by day", "THB"):  # nothing that says nothing
        assert words not in text, words


def test_the_pdf_is_in_thai_with_its_fonts_inside(report: Report, tmp_path: Path) -> None:
    for name in ("first.pdf", "second.pdf"):
        write_pdf(report, "th", "buddhist", tmp_path / name)
    data = (tmp_path / "first.pdf").read_bytes()
    assert data == (tmp_path / "second.pdf").read_bytes()  # the same facts give the same bytes
    text = text_of(tmp_path / "first.pdf")
    for words in (
        "รายงานแบตเตอรี่ประจำเดือน ตุลาคม พ.ศ. 2569", "สิ่งที่ควรให้ความสนใจ", "SOH ต่ำ", "Somchai", "ลูกใหม่",
        "5 ต.ค. 2569", "N-77",
    ):  # fmt: skip
        assert words in text, words
    assert "อุณหภูมิสูง" not in text, "it came once"
    report.whole.raised *= 2
    write_pdf(report, "th", "buddhist", tmp_path / "often.pdf")
    assert "อุณหภูมิสูง" in text_of(tmp_path / "often.pdf")
    assert b"/FontFile" in data
    assert b"Sarabun" in data
    assert b"Helvetica" not in data


def test_the_pdf_speaks_english_of_the_common_calendar(report: Report, tmp_path: Path) -> None:
    write_pdf(report, "en", "common", tmp_path / "report.pdf")
    text = text_of(tmp_path / "report.pdf")
    for words in (
        "Monthly battery report, October 2026", "What needs attention", "Page 1 / ", "Q4 2026",
        "State of health low", "No alarm was raised more than once.",
    ):  # fmt: skip
        assert words in text, words


def text_of(path: Path) -> str:
    """What a reader of the PDF copies from it, page by page."""
    document = pypdfium2.PdfDocument(path)
    try:
        texts = [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()
    return " ".join("\n".join(texts).split())


def test_the_workbook_has_numbers_dates_and_filters(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    write_excel(report, "en", "common", path)
    with zipfile.ZipFile(path) as file:
        names = [
            each.attrib["name"] for each in ElementTree.fromstring(file.read("xl/workbook.xml")).iter()
            if each.tag.endswith("}sheet")
        ]  # fmt: skip
        jars = file.read("xl/worksheets/sheet3.xml").decode()
        shared = file.read("xl/sharedStrings.xml").decode()
    assert names == ["Summary", "Sites", "All jars", "Alarms", "Outages", "Maintenance", "Forecast"]
    assert "<v>93</v>" in jars  # a number, not its text
    assert "SOH [%]" in shared
    assert '<autoFilter ref="A1:R7"/>' in jars
    assert 'state="frozen"' in jars


def test_the_table_of_jars_is_csv_that_excel_reads_as_thai(report: Report, tmp_path: Path) -> None:
    write_csv(report, "th", "buddhist", tmp_path / "report.csv")
    data = (tmp_path / "report.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [row["แบตเตอรี่"] for row in rows][:2] == ["Bangrak/UPS-1/S01/J01", JAR]
    assert rows[1]["วันติดตั้ง"] == "2026-10-05"
    assert rows[1]["สุขภาพ [%]"] == "93"
    assert rows[1]["กำหนดเปลี่ยน"] == "Q4/2569"
    assert rows[1]["เพิ่มขึ้น [%]"] == "13.79", "3.3 mΩ of 2.9, and no more digits than anybody can use"


def test_an_order_goes_to_its_process_as_it_is(order: ReportOrder) -> None:
    assert ReportOrder.of_json(json.loads(json.dumps(order.to_json()))) == order
