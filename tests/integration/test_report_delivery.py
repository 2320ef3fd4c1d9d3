"""Scheduled reports: into a folder and to real mail servers, once, whatever goes wrong between."""

from __future__ import annotations

import datetime as dt
from collections import deque
from pathlib import Path
from typing import Any, cast

import pytest
from notifyservers import LOOPBACK, Mailbox, mail_server

from config.notifyfile import Mail
from config.reportsettings import ReportSchedule
from historian.export.request import ExportError, Format
from nodeset.index import TagIndex
from server.reports import delivery as module
from server.reports.deliveries import Outcome
from server.reports.delivery import DeliveryError, ReportDelivery
from server.reports.orders import ReportOrders
from server.reports.period import moment
from server.reports.request import ReportRequest

SECOND = 1_000_000  # µs
ONE, OTHER = "One <one@example.com>", "other@example.com"


def us(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * SECOND


class Made:
    """A report that is made at once, or fails."""

    def __init__(self, orders: Orders, request: ReportRequest, path: Path) -> None:
        self._orders, self._request, self._path = orders, request, path

    async def run(self) -> None:
        if self._orders.fault:
            raise ExportError(self._orders.fault)
        self._orders.made.append(self._request)
        self._path.write_bytes(f"report of {self._request.period}".encode())


class Orders:
    """Reports in place of the process that makes them; `time` is the plant's [µs]."""

    def __init__(self, index: TagIndex, time: str) -> None:
        self.time = us(time)
        self.fault = ""
        self.made: list[ReportRequest] = []
        self.zone = ReportOrders.zone.__get__(self)
        self._zones = {site.name: site.zone for site in index.fleet.sites}
        self._zone = index.fleet.zone

    def clock(self) -> int:
        return self.time

    def request(self, period: str, site: str, form: Format, language: str, calendar: str) -> ReportRequest:
        return ReportRequest(period, site, form, language or "en", calendar or "common")

    def making(self, request: ReportRequest, path: Path) -> Made:
        return Made(self, request, path)


class Plant:
    """Deliveries that outlive their process; `start` is a start of the server."""

    def __init__(self, index: TagIndex, folder: Path, port: int = 25) -> None:
        self.orders = Orders(index, "2026-10-15T00:00:00")
        self.told: list[tuple[str, str]] = []
        self.folder = folder / "reports"
        self._index, self._state, self._port = index, folder / "state", port

    def start(self, **terms: Any) -> ReportDelivery:
        schedule = ReportSchedule.model_validate({"name": "Monthly", **terms})
        mail = Mail(host=LOOPBACK, port=self._port, security="none", sender="v@example.com", timeout=5)

        def tell(name: str, outcome: str, _places: str) -> None:
            self.told.append((name, outcome))

        orders = cast(ReportOrders, self.orders)
        return ReportDelivery([schedule], orders, self._index.fleet, self._state, mail, tell)


@pytest.fixture
def plant(small_index: TagIndex, tmp_path: Path) -> Plant:
    return Plant(small_index, tmp_path)


async def test_a_report_is_put_into_its_folder_when_it_is_due_and_once(plant: Plant) -> None:
    delivery = plant.start(folder=plant.folder, formats=["pdf", "xlsx"], language="th")
    assert await delivery.run() == 0  # what was due before it was scheduled is nobody's
    plant.orders.time = us("2026-10-31T23:00:00")  # 06:00 on the first, in Bangkok
    assert await delivery.run() == 1
    names = sorted(path.name for path in plant.folder.iterdir())
    assert names == ["voltkeep-2026-10-th.pdf", "voltkeep-2026-10-th.xlsx"]
    assert await delivery.run() == 0
    assert await plant.start(folder=plant.folder).run() == 0  # a restart repeats nothing
    assert len(plant.orders.made) == 2
    assert plant.told == [("Monthly", "delivered")]


async def test_what_was_missed_is_made_up_for_the_last_one_only(plant: Plant) -> None:
    await plant.start(folder=plant.folder).run()
    plant.orders.time = us("2027-01-10T00:00:00")  # three months later
    assert await plant.start(folder=plant.folder).run() == 1
    assert [request.period for request in plant.orders.made] == ["2026-12"]


async def test_a_mail_has_the_files_and_goes_to_each_address_once(
    small_index: TagIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first address has it when the second one's server hangs up: only that one is tried again."""
    monkeypatch.setattr(module.backoff, "FIRST", 60.0)
    box = Mailbox(replies=deque(["250 OK", "451 later"]))
    async with mail_server(box) as port:
        plant = Plant(small_index, tmp_path, port)
        terms = {"mail": [ONE, OTHER], "formats": ["pdf", "csv"], "language": "th", "calendar": "buddhist"}
        delivery = plant.start(**terms)
        plant.orders.time = us("2026-10-31T23:00:00")
        with pytest.raises(DeliveryError, match=r"Monthly: other@example\.com: 451"):
            await delivery.run()
        assert delivery.of("Monthly").outcome is Outcome.FAILING
        restarted = plant.start(**terms)
        with pytest.raises(DeliveryError):  # not yet time for another attempt, and still failing
            await restarted.run()
        plant.orders.time += 61 * SECOND
        assert await restarted.run() == 1
    assert [address for address, _ in box.received] == ["one@example.com", OTHER]
    (_, first), (_, second) = box.received
    assert first["Message-ID"] == second["Message-ID"] == "<report-monthly-20261031T230000Z@example.com>"
    assert first["Subject"] == "Small: รายงานแบตเตอรี่ประจำเดือน ตุลาคม พ.ศ. 2569"
    files = {part.get_filename(): part.get_content() for part in first.iter_attachments()}
    assert files["voltkeep-2026-10-th.pdf"] == b"report of 2026-10"
    assert "voltkeep-2026-10-th.csv" in files
    assert [outcome for _, outcome in plant.told][-1] == "delivered"


async def test_who_refuses_for_good_is_not_asked_again(small_index: TagIndex, tmp_path: Path) -> None:
    box = Mailbox(refused={"one@example.com": "550 no such user"})
    async with mail_server(box) as port:
        plant = Plant(small_index, tmp_path, port)
        delivery = plant.start(mail=[ONE, OTHER])
        plant.orders.time = us("2026-10-31T23:00:00")
        assert await delivery.run() == 1
        assert await delivery.run() == 0
    assert [address for address, _ in box.received] == [OTHER]
    found = delivery.of("Monthly")
    assert (found.outcome, "550 no such user" in found.error) == (Outcome.FAILED, True)


async def test_a_report_that_cannot_be_made_is_tried_again_until_the_next_is_due(plant: Plant) -> None:
    delivery = plant.start(folder=plant.folder)
    plant.orders.time, plant.orders.fault = us("2026-10-31T23:00:00"), "The database is away."
    for _ in range(3):
        with pytest.raises(DeliveryError, match="The database is away"):
            await delivery.run()
        plant.orders.time = delivery.of("Monthly").again
    assert delivery.of("Monthly").tries == 3
    assert plant.told == [("Monthly", "failing: The database is away.")]  # told once
    plant.orders.time, plant.orders.fault = us("2026-11-30T23:00:00"), ""
    assert await delivery.run() == 1
    assert [request.period for request in plant.orders.made] == ["2026-11"]


async def test_the_last_report_is_delivered_anew_when_asked_for(plant: Plant) -> None:
    delivery = plant.start(folder=plant.folder)
    await delivery.again("Monthly", wait=10)
    assert [request.period for request in plant.orders.made] == ["2026-09"]
    found = delivery.of("Monthly")
    assert (found.outcome, moment(found.due).month) == (Outcome.DELIVERED, 9)
    with pytest.raises(KeyError):
        await delivery.again("Nothing", wait=10)
