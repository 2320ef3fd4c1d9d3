"""Historian.MakeReport, and the methods of reports that go out by schedule (U2, H5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from asyncua import ua

from config.reportsettings import CALENDARS, LANGUAGES, ReportSchedule
from historian.export.request import ExportError, Format
from nodeset.fleet import Fleet
from server.exports.exports import Exports
from server.methods.export import offer, patience
from server.notify.mailtext import address_of
from server.reports.deliveries import Delivery
from server.reports.orders import ReportOrders
from server.reports.period import moment, month_before, period_of
from server.reports.request import FORMATS, ReportRequest
from server.security.permissions import Profile
from server.security.users import Role
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs

if TYPE_CHECKING:
    from server.reports.delivery import ReportDelivery

S = ua.StatusCodes
VT = ua.VariantType
_NULL_TIME: Final = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)


class ReportMethods:
    """Makes reports for who asks; `delivery` is set where some go out by themselves."""

    def __init__(self, exports: Exports, orders: ReportOrders, fleet: Fleet) -> None:
        self._exports = exports
        self._orders = orders
        self._fleet = fleet
        self.delivery: ReportDelivery | None = None

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Historian object."""
        audited = ua.ObjectIds.AuditUpdateMethodEventType
        methods.add(node_id("Historian.MakeReport"), Profile.CALL_VIEWER, self._make, audited, "report")
        methods.add(node_id("Historian.ListReports"), Profile.CALL_VIEWER, self._list)
        methods.add(node_id("Historian.DeliverReport"), Profile.CALL_ENGINEER, self._deliver)

    async def _make(self, call: Invocation) -> Outputs:
        """A file that is whole when this returns, unless it takes longer than the caller waits."""
        request = self._request([str(value or "") for value in call.values])
        return await offer(
            self._exports,
            call,
            lambda: self._exports.begin(
                call.session, request.format, lambda path: self._orders.making(request, path)
            ),
        )

    def _request(self, values: list[str]) -> ReportRequest:
        period, site, form, language, calendar = values
        if site == self._fleet.path:
            site = ""
        if site and site not in {each.name for each in self._fleet.sites}:
            raise ArgumentError(1, S.BadNodeIdUnknown, f"there is no site '{site}'")
        if form.lower() not in FORMATS:
            raise ArgumentError(2, S.BadOutOfRange, "pdf, xlsx and csv are formats of a report")
        if language not in ("", *LANGUAGES):
            raise ArgumentError(3, S.BadOutOfRange, "en and th are languages of a report")
        if calendar not in ("", *CALENDARS):
            raise ArgumentError(4, S.BadOutOfRange, "common and buddhist are calendars")
        return self._orders.request(
            self._period(period, site), site, Format(form.lower()), language, calendar
        )

    def _period(self, name: str, site: str) -> str:
        """The last whole month where none is named."""
        now, zone = moment(self._orders.clock()), self._orders.zone(site)
        if not name:
            return month_before(now, zone).name
        try:
            period = period_of(name, zone)
        except ExportError as error:
            raise ArgumentError(0, S.BadOutOfRange, str(error)) from None
        if period.low > now:
            raise ArgumentError(0, S.BadOutOfRange, f"{name} has not begun")
        return period.name

    # -- by schedule

    def _list(self, call: Invocation) -> Outputs:
        delivery = self.delivery
        tables = [] if delivery is None else list(delivery.timetables.values())
        schedules = [table.schedule for table in tables]
        last = [] if delivery is None else [delivery.of(each.name) for each in schedules]
        outcomes = [] if delivery is None else [delivery.outcome(each.name) for each in schedules]
        next_ = [] if delivery is None else [table.next(delivery.now) for table in tables]
        asked = [
            self._orders.request("", "", Format.PDF, each.language or "", each.calendar or "")
            for each in schedules
        ]
        named = call.user.role >= Role.ENGINEER
        return (
            _strings(each.name for each in schedules),
            _strings(each.every for each in schedules),
            _strings(each.site for each in schedules),
            _strings(" ".join(each.formats) for each in schedules),
            _strings(each.language for each in asked),
            _strings(each.calendar for each in asked),
            _strings(places(each, named) for each in schedules),
            _times(next_),
            _times(_moment(each.due) for each in last),
            _times(_moment(each.finished) for each in last),
            _strings(outcomes),
            _strings(error(*each, named) for each in zip(schedules, last, strict=True)),
        )

    async def _deliver(self, call: Invocation) -> Outputs:
        (name,) = call.values
        if self.delivery is None or name not in self.delivery.timetables:
            raise ArgumentError(0, S.BadNotFound, f"no report is scheduled as '{name or ''}'")
        call.old = self.delivery.outcome(name)
        ended = await self.delivery.again(name, patience(call))
        if ended and (found := self.delivery.of(name).error):
            raise MethodError(S.BadUnexpectedError, found)
        return ()


def places(schedule: ReportSchedule, named: bool) -> str:
    """Where a report goes; whose addresses they are is not for everybody."""
    found = [] if schedule.folder is None else [str(schedule.folder)]
    if schedule.mail:
        count = len(schedule.mail)
        found += schedule.mail if named else ["1 address" if count == 1 else f"{count} addresses"]
    return ", ".join(found)


def error(schedule: ReportSchedule, last: Delivery, named: bool) -> str:
    """What went wrong, which names addresses only where `places` does, too."""
    said = last.error
    for address in () if named else schedule.mail:
        said = said.replace(address, "an address").replace(address_of(address), "an address")
    return said


def _moment(time: int) -> dt.datetime:
    return moment(time) if time else _NULL_TIME


def _strings(values: Iterable[str]) -> ua.Variant:
    return ua.Variant([str(value) for value in values], VT.String, is_array=True)


def _times(values: Iterable[dt.datetime]) -> ua.Variant:
    return ua.Variant(list(values), VT.DateTime, is_array=True)
