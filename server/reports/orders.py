"""What a server's settings make of a request for a report: the order to the process that makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from config.settings import Settings
from historian.export.request import Format
from nodeset.fleet import Fleet
from server.exports.making import Making
from server.reports.request import ReportOrder, ReportRequest

MODULE: Final = "server.reports"
MAX_BYTES: Final = 200_000_000  # of a report


class ReportOrders:
    """Orders by the settings; `clock` is the plant's [µs since 1970]."""

    def __init__(self, settings: Settings, fleet: Fleet, clock: Callable[[], int]) -> None:
        self._settings = settings
        self.clock = clock
        self._zones = {site.name: site.zone for site in fleet.sites}
        self._zone = fleet.zone

    def zone(self, site: str) -> ZoneInfo:
        """Of a site, or of the fleet."""
        return self._zones.get(site, self._zone)

    def request(
        self, period: str, site: str, form: Format, language: str = "", calendar: str = ""
    ) -> ReportRequest:
        """A request; language and calendar are those of the settings where they are empty."""
        reports = self._settings.reports
        return ReportRequest(period, site, form, language or reports.language, calendar or reports.calendar)

    def order(self, request: ReportRequest, path: Path) -> ReportOrder:
        """To write a report at a path."""
        settings = self._settings
        url = settings.historian.url
        return ReportOrder(
            request,
            None if url is None else url.get_secret_value(),
            str(settings.home.resolve()),
            str(settings.fleet),
            str(settings.alarms),
            settings.maintenance.model_dump(),
            settings.source == "simulator",
            self.clock(),
            str(path),
            MAX_BYTES,
        )

    def making(self, request: ReportRequest, path: Path) -> Making:
        """The process that writes it."""
        return Making(MODULE, self.order(request, path).to_json())
