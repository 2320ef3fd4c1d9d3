"""How scheduled reports do, for health and metrics (O1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from server.reports.deliveries import Delivery, Outcome
from server.reports.delivery import ReportDelivery


class ReportFigures:
    """The deliveries in numbers."""

    def __init__(self, delivery: ReportDelivery) -> None:
        self._delivery = delivery

    @property
    def failing(self) -> bool:
        """Whether a report that is due is not where it should be."""
        return any(each.outcome is Outcome.FAILING for each in self._last.values())

    def state(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "status": "failing" if self.failing else "ok",
            "schedules": {name: _schedule(last) for name, last in self._last.items()},
        }

    def metrics(self) -> Iterator[Metric]:
        """For Prometheus."""
        failing = GaugeMetricFamily("voltkeep_report_failing", "Whether it fails", labels=["schedule"])
        refused = GaugeMetricFamily(
            "voltkeep_report_refused", "Addresses that refused the last report for good", labels=["schedule"]
        )
        for name, last in self._last.items():
            failing.add_metric([name], float(last.outcome is Outcome.FAILING))
            refused.add_metric([name], len(last.refused))
        yield from (failing, refused)

    @property
    def _last(self) -> dict[str, Delivery]:
        return {name: self._delivery.of(name) for name in self._delivery.timetables}


def _schedule(last: Delivery) -> dict[str, Any]:
    return {
        "status": last.outcome.lower(),
        "delivered": len(last.done),
        "refused": len(last.refused),
        "retries": last.tries,
        "due": _seconds(last.due),
        "finished": _seconds(last.finished),
        "last_error": last.error,
    }


def _seconds(time: int) -> float | None:
    """Since 1970; nothing for never."""
    return round(time / 1e6, 1) if time else None
