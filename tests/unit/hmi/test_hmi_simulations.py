"""What the Simulation object tells."""

from __future__ import annotations

import datetime as dt

from asyncua import ua

from hmi.simulations import Running, running

VT = ua.VariantType
NULL = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
THEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def column(values: list[object], kind: ua.VariantType, status: int = 0) -> ua.DataValue:
    return ua.DataValue(ua.Variant(values, kind, is_array=True), ua.StatusCode(status))


def test_simulations_by_the_status_variables() -> None:
    found = running(
        [
            column(["HvacFailure", "PowerOutage"], VT.String),
            column(["Bangrak", "Phuket/UPS-1"], VT.String),
            column([THEN, THEN], VT.DateTime),
            column([NULL, THEN + dt.timedelta(minutes=1)], VT.DateTime),
        ]
    )
    began = 1_767_225_600_000
    assert found == (
        Running("HvacFailure", "Bangrak", began, None),
        Running("PowerOutage", "Phuket/UPS-1", began, began + 60_000),
    )


def test_a_server_that_tells_of_none_has_none() -> None:
    unknown = ua.DataValue(ua.Variant(), ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))
    assert running([unknown] * 4) == ()
    assert running([column([], VT.String)] * 4) == ()
