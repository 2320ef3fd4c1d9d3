"""The Maintenance methods that record and list (I7, R9): who did what to the plant, and what tests showed."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import psycopg
from asyncua import ua

from analytics.capacitytest import rated_at
from historian.errors import HistorianError
from historian.maintenance import (
    CapacityTest,
    Maintenance,
    Work,
    read_capacity_tests,
    read_maintenance,
)
from nodeset.fleet import AssetType, Fleet
from server.events.event import date
from server.maintenance.workbook import Workbook, health_of
from server.security.permissions import Profile
from server.security.users import Role
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs

S = ua.StatusCodes
VT = ua.VariantType

MAX_ENTRIES: Final = 10_000
# What rounds are for; all else says something of jars, and is an engineer's.
OPERATORS: Final = frozenset({Work.INSPECTION, Work.CLEANING})
LONGEST_TEXT: Final = 2_000
_AHEAD: Final = 60_000_000  # µs that a client's clock may be ahead of ours
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NULL_TIME: Final = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)


class MaintenanceMethods:
    """What people record in the workbook of a fleet; `clock` is the plant's [µs]."""

    def __init__(self, workbook: Workbook, fleet: Fleet, clock: Callable[[], int]) -> None:
        self._workbook = workbook
        self._fleet = fleet
        self._clock = clock

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Maintenance object."""
        for name, profile, function in (
            ("RecordMaintenance", Profile.CALL_OPERATOR, self._record),
            ("RecordCapacityTest", Profile.CALL_ENGINEER, self._record_test),
            ("ListMaintenance", Profile.CALL_OPEN, self._list),
            ("ListCapacityTests", Profile.CALL_OPEN, self._list_tests),
        ):
            methods.add(node_id(f"Maintenance.{name}"), profile, function)

    # -- recording

    async def _record(self, call: Invocation) -> Outputs:
        path, kind, began, ended, done_by, note, serial, baseline = call.values
        asset = self._asset(path)
        work = _work(kind)
        if work not in OPERATORS and call.user.role < Role.ENGINEER:
            raise MethodError(S.BadUserAccessDenied, f"an engineer records a {work}")
        begins = self._begin(began)
        row = Maintenance(
            asset,
            work,
            begins,
            self._end(ended, begins),
            _text(4, done_by) or call.user.name,
            _text(5, note),
            self._clock(),
            call.user.name,
            _text(6, serial) or None,
            _positive(7, baseline),
        )
        self._check_replacement(row)
        call.old = asset
        return (ua.Variant(await _stored(self._workbook.record(row)), VT.UInt32),)

    def _check_replacement(self, work: Maintenance) -> None:
        """Only new jars have serial numbers, each its own, and none came before the first one."""
        if work.kind is not Work.REPLACEMENT:
            if work.serial_number is not None or work.baseline_resistance is not None:
                raise ArgumentError(6, S.BadInvalidArgument, "only a Replacement brings a new jar")
            return
        if work.serial_number is not None and self._kind(work.asset) is not AssetType.JAR:
            raise ArgumentError(6, S.BadInvalidArgument, "each jar has a serial number of its own")
        if work.baseline_resistance is not None and not 0.01 <= work.baseline_resistance <= 1_000:
            raise ArgumentError(7, S.BadOutOfRange, "a jar has 0.01 to 1,000 mΩ")

    async def _record_test(self, call: Invocation) -> Outputs:
        path, began, ended, current, end_voltage, temperature, capacity, rated, done_by, note = call.values
        asset = self._asset(path)
        if self._kind(asset) not in (AssetType.STRING, AssetType.JAR):
            raise ArgumentError(0, S.BadInvalidArgument, "a string or a jar is tested")
        begins = self._begin(began, 1)
        ends = self._end(ended, begins, 2)
        if ends is None or ends == begins:
            raise ArgumentError(2, S.BadOutOfRange, "a test ends after it began")
        test = CapacityTest(
            asset,
            begins,
            ends,
            _needed(3, current),
            _needed(4, end_voltage),
            _between(5, temperature, -20.0, 60.0),
            _needed(6, capacity),
            _positive(7, rated) or self._rated(asset, current),
            _text(8, done_by) or call.user.name,
            _text(9, note),
        )
        call.old = asset
        await _stored(self._workbook.record_test(test))
        return (ua.Variant(100.0 * health_of(test), VT.Double),)

    def _rated(self, asset: str, current: float) -> float:
        """What a new jar of the asset's model gives at a current [A]."""
        model = self._fleet.jars[self._workbook.nameplates.below(asset)[0]].model
        return rated_at(model.capacity, current, model.chemistry)

    # -- listing

    async def _list(self, call: Invocation) -> Outputs:
        path, start, end, most = call.values
        found = await self._read(read_maintenance, path, start, end, most)
        return (
            _strings(each.asset for each in found),
            _dates(each.began for each in found),
            _dates(each.ended for each in found),
            _strings(each.kind for each in found),
            _strings(each.done_by for each in found),
            _strings(each.note for each in found),
            _strings(each.serial_number or "" for each in found),
            _doubles(each.baseline_resistance or math.nan for each in found),
            _dates(each.recorded for each in found),
            _strings(each.recorded_by for each in found),
        )

    async def _list_tests(self, call: Invocation) -> Outputs:
        path, start, end, most = call.values
        found = await self._read(read_capacity_tests, path, start, end, most)
        return (
            _strings(each.asset for each in found),
            _dates(each.began for each in found),
            _dates(each.ended for each in found),
            _doubles(each.discharge_current for each in found),
            _doubles(each.end_voltage for each in found),
            _doubles(each.temperature for each in found),
            _doubles(each.capacity for each in found),
            _doubles(each.rated_capacity for each in found),
            _doubles(100.0 * health_of(each) for each in found),
            _strings(each.done_by for each in found),
            _strings(each.note for each in found),
        )

    async def _read(self, read: Any, path: str | None, start: Any, end: Any, most: int) -> list[Any]:
        """What a reader of the historian finds; of the fleet, what it finds at every site."""
        whole = not path or path == self._fleet.path
        sites = [site.path for site in self._fleet.sites] if whole else [self._asset(path)]
        most = min(most or MAX_ENTRIES, MAX_ENTRIES)
        try:
            async with self._workbook.connections.use() as connection:
                found = [
                    row
                    for site in sites
                    for row in await read(connection, site, _time(start), _time(end), most)
                ]
        except HistorianError:
            raise MethodError(S.BadNoCommunication, "the historian's database is away") from None
        return sorted(found, key=lambda row: row.began)[:most]

    # -- arguments

    def _asset(self, path: str | None) -> str:
        if path is None or self._kind(path) in (None, AssetType.FLEET):
            raise ArgumentError(0, S.BadNodeIdUnknown, f"there is no asset '{path}' that work is done on")
        return path

    def _kind(self, path: str) -> AssetType | None:
        return self._fleet.index_of.get(path, (None, 0))[0]

    def _begin(self, began: dt.datetime, position: int = 2) -> int:
        time = _time(began)
        if not 0 < time <= self._clock() + _AHEAD:
            raise ArgumentError(position, S.BadOutOfRange, "it began in the past")
        return time

    def _end(self, ended: dt.datetime, begins: int, position: int = 3) -> int | None:
        time = _time(ended)
        if time == 0:
            return None
        if not begins <= time <= self._clock() + _AHEAD:
            raise ArgumentError(position, S.BadOutOfRange, "it ended after it began, and in the past")
        return time


async def _stored(storing: Any) -> Any:
    try:
        return await storing
    except psycopg.IntegrityError:
        raise MethodError(S.BadEntryExists, "this is recorded already") from None
    except HistorianError:
        raise MethodError(S.BadNoCommunication, "the historian's database is away") from None


def _work(kind: str | None) -> Work:
    try:
        return Work(kind or "")
    except ValueError:
        raise ArgumentError(1, S.BadOutOfRange, f"kinds of work are {', '.join(Work)}") from None


def _text(position: int, text: str | None) -> str:
    if len(text or "") > LONGEST_TEXT:
        raise ArgumentError(position, S.BadOutOfRange, f"more than {LONGEST_TEXT} characters")
    return (text or "").replace("\0", "").strip()


def _positive(position: int, value: float) -> float | None:
    """A figure that may be left out."""
    if value == 0 or math.isnan(value):
        return None
    return _needed(position, value)


def _needed(position: int, value: float) -> float:
    return _between(position, value, 1e-3, 1e5)


def _between(position: int, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ArgumentError(position, S.BadOutOfRange, f"from {low:g} to {high:g}")
    return float(value)


def _time(moment: dt.datetime) -> int:
    """µs since 1970 of a DateTime; 0 for what is null, or before."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return max((aware - _EPOCH) // dt.timedelta(microseconds=1), 0)


def _strings(values: Iterable[str]) -> ua.Variant:
    return ua.Variant([str(value) for value in values], VT.String, is_array=True)


def _doubles(values: Iterable[float]) -> ua.Variant:
    return ua.Variant([float(value) for value in values], VT.Double, is_array=True)


def _dates(values: Iterable[int | None]) -> ua.Variant:
    moments = [_NULL_TIME if value is None else date(value).Value for value in values]
    return ua.Variant(moments, VT.DateTime, is_array=True)
