"""Audit.Read: the audit trail for administrators (X4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from asyncua import ua

from historian.audit import AuditRow, AuditTrail
from historian.errors import HistorianError
from server.events.event import date
from server.security.permissions import Profile
from server.services.method import Invocation, MethodError, MethodService, Outputs

S = ua.StatusCodes
VT = ua.VariantType

MAX_ENTRIES: Final = 10_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_COLUMNS: Final[tuple[tuple[str, ua.VariantType], ...]] = (
    ("event_type", VT.UInt32),
    ("action", VT.String),
    ("user", VT.String),
    ("peer", VT.String),
    ("session", VT.String),
    ("entry_id", VT.String),
    ("status", VT.UInt32),
    ("target", VT.String),
    ("old", VT.String),
    ("new", VT.String),
    ("repeats", VT.UInt32),
)


class AuditMethods:
    """Read on the stored trail."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Audit object."""
        methods.add(node_id("Audit.Read"), Profile.CALL_ADMIN, self._read)

    async def _read(self, call: Invocation) -> Outputs:
        start, end, most = call.values
        try:
            rows = await self._trail.read(_time(start), _time(end), min(most or MAX_ENTRIES, MAX_ENTRIES))
        except HistorianError:
            raise MethodError(S.BadNoCommunication, "the historian's database is away") from None
        return (_array([date(row.time).Value for row in rows], VT.DateTime), *_arrays(rows))


def _arrays(rows: list[AuditRow]) -> list[ua.Variant]:
    return [_array([getattr(row, name) for row in rows], kind) for name, kind in _COLUMNS]


def _array(values: list[Any], kind: ua.VariantType) -> ua.Variant:
    return ua.Variant(values, kind, is_array=True)


def _time(moment: dt.datetime) -> int:
    """µs since 1970 of a DateTime, which may be as early as 1601."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return max((aware - _EPOCH) // dt.timedelta(microseconds=1), 0)
