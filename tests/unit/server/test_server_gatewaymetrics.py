"""Gateways in Prometheus' text, by site."""

from __future__ import annotations

from prometheus_client.core import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from smallfleets import index_of

from drivers.statistics import Statistics, readings_of, without_gateways
from nodeset.frame import Readings, first_frame
from nodeset.tags import GatewayState
from server.gatewaymetrics import gateway_metrics

INDEX = index_of({"Bangrak": {"UPS-1": (5, {"SA": 2})}, "Phuket": {"UPS-1": (5, {"SB": 2})}})


def text_of(readings: Readings) -> str:
    frame = first_frame(INDEX, 0).next(1)
    frame.take(readings)

    class Once(Collector):
        def collect(self):  # type: ignore[no-untyped-def]
            return gateway_metrics(frame)

    registry = CollectorRegistry()
    registry.register(Once())
    return generate_latest(registry).decode()


def test_each_site_has_its_figures_and_what_is_unknown_is_left_out() -> None:
    well = Statistics(GatewayState.ONLINE, round_trip=12.5, errors=3)
    text = text_of(readings_of(INDEX, [well, Statistics(errors=7)], 1))
    assert 'voltkeep_gateway_state{site="Bangrak"} 2.0' in text
    assert 'voltkeep_gateway_state{site="Phuket"} 0.0' in text
    assert 'voltkeep_gateway_round_trip_seconds{site="Bangrak"} 0.0125' in text
    assert 'voltkeep_gateway_round_trip_seconds{site="Phuket"}' not in text
    assert 'voltkeep_gateway_errors_total{site="Phuket"} 7.0' in text
    assert "last_scan_age" not in text


def test_without_gateways_there_is_nothing() -> None:
    assert not text_of(without_gateways(INDEX, 1))
