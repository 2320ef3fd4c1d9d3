"""How each site's gateway does, for Prometheus; nothing where the source has no gateways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame

_SITE: Final = AssetType.SITE
_FAMILIES: Final = (
    (
        GaugeMetricFamily,
        "voltkeep_gateway_state",
        "0 offline, 1 degraded, 2 online",
        "GatewayState",
        1.0,
    ),
    (
        GaugeMetricFamily,
        "voltkeep_gateway_round_trip_seconds",
        "Mean time to an answer in the last scan",
        "GatewayRoundTrip",
        0.001,
    ),
    (
        CounterMetricFamily,
        "voltkeep_gateway_errors",
        "Requests that failed",
        "GatewayErrors",
        1.0,
    ),
    (
        GaugeMetricFamily,
        "voltkeep_gateway_last_scan_age_seconds",
        "Time since everything was answered",
        "GatewayLastScanAge",
        1.0,
    ),
)


def gateway_metrics(frame: Frame) -> Iterator[Metric]:
    """The sites' gateway tags of a frame that are Good, by site."""
    sites = [site.name for site in frame.index.fleet.sites]
    for make, name, text, tag, factor in _FAMILIES:
        values, good = frame.column(_SITE, tag), st.is_good(frame.column_status(_SITE, tag))
        if not good.any():
            continue
        family = make(name, text, labels=["site"])
        for i, site in enumerate(sites):
            if good[i]:
                family.add_metric([site], float(values[i]) * factor)
        yield family
