"""How notification does, for health and metrics (O1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from server.notify.notifier import Notifier
from server.notify.sender import Sender


class NotifyFigures:
    """The notifier in numbers."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    @property
    def failing(self) -> bool:
        """Whether a channel gets nothing through, or what waits would not outlive the process."""
        senders = self._notifier.senders.values()
        broken = any(sender.figures.failing_since is not None for sender in senders)
        return broken or not self._notifier.store.kept

    def state(self) -> dict[str, Any]:
        """For JSON."""
        notifier = self._notifier
        return {
            "status": "failing" if self.failing else "ok",
            "waiting": notifier.store.outbox.waiting,
            "dropped": notifier.store.outbox.dropped,
            "kept_on_disk": notifier.store.kept,
            "alerts": len(notifier.alerts),
            "held_back": sum(flow.held.messages for flow in notifier.alerts.flows.values()),
            "events_lost": notifier.intake.lost,
            "failures": notifier.failures,
            "channels": {name: _channel(sender) for name, sender in notifier.senders.items()},
        }

    def metrics(self) -> Iterator[Metric]:
        """For Prometheus."""
        notifier = self._notifier
        waiting, dropped = notifier.store.outbox.waiting, notifier.store.outbox.dropped
        yield GaugeMetricFamily("voltkeep_notify_waiting", "Messages to be sent", value=waiting)
        yield GaugeMetricFamily("voltkeep_notify_alerts", "Alerts that are open", value=len(notifier.alerts))
        yield CounterMetricFamily("voltkeep_notify_dropped", "Messages without room", value=dropped)
        sent = CounterMetricFamily("voltkeep_notify_sent", "Messages sent", labels=["channel"])
        failed = CounterMetricFamily("voltkeep_notify_retries", "Attempts that failed", labels=["channel"])
        given_up = CounterMetricFamily("voltkeep_notify_given_up", "Messages given up", labels=["channel"])
        failing = GaugeMetricFamily("voltkeep_notify_failing", "Whether it fails", labels=["channel"])
        for name, sender in notifier.senders.items():
            figures = sender.figures
            sent.add_metric([name], figures.sent)
            failed.add_metric([name], figures.attempts_failed)
            given_up.add_metric([name], figures.given_up)
            failing.add_metric([name], float(figures.failing_since is not None))
        yield from (sent, failed, given_up, failing)


def _channel(sender: Sender) -> dict[str, Any]:
    figures = sender.figures
    return {
        "status": "ok" if figures.failing_since is None else "failing",
        "sent": figures.sent,
        "retries": figures.attempts_failed,
        "given_up": figures.given_up,
        "last_sent": round(figures.last_sent, 1),
        "failing_since": figures.failing_since,
        "last_error": figures.last_error,
    }
