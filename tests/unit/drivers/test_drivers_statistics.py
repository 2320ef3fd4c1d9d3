"""How gateways do, as tags of their sites."""

from __future__ import annotations

import pytest

from drivers import statistics
from drivers.statistics import Statistics
from nodeset import status as st
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import GatewayState

SITE = "A"


def told(index: TagIndex, *gateways: Statistics) -> dict[str, tuple[float, int]]:
    """Value and status of the first site's tags in a frame."""
    frame: Frame = first_frame(index, 0).next(1)
    frame.take(statistics.readings_of(index, gateways, 1))
    rows = {name: index.row(SITE, name) for name in statistics.NAMES}
    return {name: (float(frame.value[row]), int(frame.status[row])) for name, row in rows.items()}


def test_a_gateway_that_never_answered(site_index: TagIndex) -> None:
    found = told(site_index, Statistics(errors=3))
    assert found["GatewayState"] == (GatewayState.OFFLINE, st.GOOD)
    assert found["GatewayErrors"] == (3, st.GOOD)
    assert found["GatewayRoundTrip"][1] == st.BAD_NO_COMMUNICATION
    assert found["GatewayLastScanAge"][1] == st.BAD_WAITING_FOR_INITIAL_DATA


def test_a_gateway_that_answers_and_one_that_did(
    site_index: TagIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(statistics.clock, "monotonic", lambda: now)
    gateway = Statistics(round_trip=12.5)
    gateway.answered_in_full()
    now += 7.5
    found = told(site_index, gateway)
    assert found["GatewayState"] == (GatewayState.ONLINE, st.GOOD)
    assert found["GatewayRoundTrip"] == (12.5, st.GOOD)
    assert found["GatewayLastScanAge"] == (7.5, st.GOOD)
    gateway.state = GatewayState.OFFLINE
    found = told(site_index, gateway)
    assert found["GatewayRoundTrip"][1] == st.BAD_NO_COMMUNICATION
    assert found["GatewayLastScanAge"] == (7.5, st.GOOD)


def test_without_gateways_nothing_is_connected(site_index: TagIndex) -> None:
    readings = statistics.without_gateways(site_index, 5)
    assert readings.rows.size == len(statistics.NAMES) * len(site_index.fleet.sites)
    assert set(readings.status.tolist()) == {st.BAD_NOT_CONNECTED}
