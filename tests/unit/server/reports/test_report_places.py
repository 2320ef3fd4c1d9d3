"""Whose addresses a report goes to is told to engineers alone, in whatever went wrong with them, too."""

from __future__ import annotations

from config.reportsettings import ReportSchedule
from server.methods.reports import error, places
from server.reports.deliveries import Delivery

SCHEDULE = ReportSchedule.model_validate(
    {"name": "Monthly", "folder": "/srv/reports", "mail": ["One <one@example.com>", "two@example.com"]}
)
LAST = Delivery(0, error="One <one@example.com>: 550 no one@example.com here; two@example.com: 451 later")


def test_engineers_read_addresses() -> None:
    assert places(SCHEDULE, named=True) == "/srv/reports, One <one@example.com>, two@example.com"
    assert error(SCHEDULE, LAST, named=True) == LAST.error


def test_others_read_how_many_and_what_went_wrong() -> None:
    assert places(SCHEDULE, named=False) == "/srv/reports, 2 addresses"
    assert error(SCHEDULE, LAST, named=False) == ("an address: 550 no an address here; an address: 451 later")
