"""ServerStatus, ServiceLevel and the end of a run as clients see them (Part 5, 6.3.1 and 12.10)."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from asyncua import ua

from server.protocol.wire import now_ticks
from server.services.discovery import PRODUCT_URI
from server.space.addressspace import AddressSpace

Ids = ua.ObjectIds
VT = ua.VariantType

HEALTHY, DEGRADED, NO_DATA, MAINTENANCE = 255, 199, 1, 0  # ServiceLevel, Part 4, 6.6.2.4.2
_BUILD: Final = ("ProductUri", "ManufacturerName", "ProductName", "SoftwareVersion", "BuildNumber")
_EPOCH: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # of a VersionTime, Part 4, 7.44
_NULL_TIME: Final = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)


class Status:
    """State of the server; `healthy` says whether its values are fresh."""

    def __init__(self, healthy: Callable[[], bool]) -> None:
        self._healthy = healthy
        self._ends: float | None = None
        self.started = now()
        self._reason = ""
        self._build = _build(self.started)

    def shut_down(self, seconds: float, reason: str) -> None:
        """Tell clients that the server ends in so many seconds, and why."""
        self._ends, self._reason = time.monotonic() + seconds, reason

    @property
    def state(self) -> ua.ServerState:
        """Running, or Shutdown once that was told."""
        return ua.ServerState.Running if self._ends is None else ua.ServerState.Shutdown

    @property
    def level(self) -> int:
        """ServiceLevel; who sees maintenance looks for another server."""
        if self._ends is not None:
            return MAINTENANCE
        return HEALTHY if self._healthy() else DEGRADED

    @property
    def _left(self) -> int:
        """SecondsTillShutdown; 0 while nobody has asked for one."""
        return 0 if self._ends is None else max(0, round(self._ends - time.monotonic()))

    def _whole(self) -> ua.ServerStatusDataType:
        value = ua.ServerStatusDataType()
        value.StartTime, value.CurrentTime = self.started, now()
        value.State, value.BuildInfo = self.state, self._build
        value.SecondsTillShutdown, value.ShutdownReason = self._left, ua.LocalizedText(self._reason)
        return value

    def describe(self, space: AddressSpace) -> None:
        """Let the Server object tell it."""
        part = "Server_ServerStatus"
        live: dict[str, tuple[Callable[[], Any], ua.VariantType]] = {
            part: (self._whole, VT.ExtensionObject),
            f"{part}_CurrentTime": (now, VT.DateTime),
            f"{part}_State": (lambda: int(self.state), VT.Int32),
            f"{part}_SecondsTillShutdown": (lambda: self._left, VT.UInt32),
            f"{part}_ShutdownReason": (lambda: ua.LocalizedText(self._reason), VT.LocalizedText),
            "Server_ServiceLevel": (lambda: self.level, VT.Byte),
            "Server_LocalTime": (_local_time, VT.ExtensionObject),
        }
        for name, (value, kind) in live.items():
            space.set_reader(getattr(Ids, name), _reader(value, kind))
        fixed: dict[str, tuple[Any, ua.VariantType]] = {
            f"{part}_StartTime": (self.started, VT.DateTime),
            f"{part}_BuildInfo": (self._build, VT.ExtensionObject),
            f"{part}_BuildInfo_BuildDate": (self._build.BuildDate, VT.DateTime),
            "Server_EstimatedReturnTime": (_NULL_TIME, VT.DateTime),
            "Server_UrisVersion": (int((self.started - _EPOCH).total_seconds()), VT.UInt32),
        }
        fixed |= {f"{part}_BuildInfo_{name}": (getattr(self._build, name), VT.String) for name in _BUILD}
        for name, (constant, kind) in fixed.items():
            space.set_value(getattr(Ids, name), constant, kind)


def _build(started: dt.datetime) -> ua.BuildInfo:
    build = ua.BuildInfo()
    build.ProductUri = PRODUCT_URI
    build.ManufacturerName = build.ProductName = "Voltkeep"
    build.SoftwareVersion = build.BuildNumber = version("voltkeep")
    build.BuildDate = started
    return build


def _local_time() -> ua.TimeZoneDataType:
    here = time.localtime()
    value = ua.TimeZoneDataType()
    value.Offset, value.DaylightSavingInOffset = here.tm_gmtoff // 60, here.tm_isdst > 0
    return value


def _reader(value: Callable[[], Any], kind: ua.VariantType) -> Callable[[], ua.DataValue]:
    def read() -> ua.DataValue:
        moment = now()
        return ua.DataValue(ua.Variant(value(), kind), ua.StatusCode(), moment, moment)

    return read


def now() -> dt.datetime:
    """The present."""
    moment: dt.datetime = ua.win_epoch_to_datetime(now_ticks())
    return moment
