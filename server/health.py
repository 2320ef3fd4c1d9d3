"""How each part of the server does: health, readiness and metrics (I8, O1)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from historian.historian import Historian
from nodeset.fleet import AssetType
from server.endpoint import OpcUaServer
from server.gatewaymetrics import gateway_metrics
from server.jobs import Jobs
from server.scanning.scan import Scan
from server.scanning.storing import state_of

if TYPE_CHECKING:
    from server.alarms.ledger import Ledger
    from server.learning.learning import Learning
    from server.notify.figures import NotifyFigures
    from server.reports.figures import ReportFigures

_LATE_SCANS: Final = 3


class Health:
    """How each part of the server does."""

    def __init__(
        self,
        scan: Scan,
        period: float,
        historian: Historian,
        opcua: OpcUaServer,
        jobs: Jobs,
        notification: NotifyFigures | None = None,
        reports: ReportFigures | None = None,
        ledger: Ledger | None = None,
        learning: Learning | None = None,
    ) -> None:
        self._scan = scan
        self._period = period
        self._historian = historian
        self._opcua = opcua
        self._jobs = jobs
        self._notification = notification
        self._reports = reports
        self._ledger = ledger
        self._learning = learning
        self.started = time.time()

    @property
    def scanning(self) -> bool:
        """Whether the last scan is not long ago."""
        stats = self._scan.stats
        late = time.monotonic() - stats.last > max(_LATE_SCANS * self._period, 10.0)
        return stats.scans > 0 and not late

    def state(self) -> dict[str, Any]:
        """The state of every part, for JSON."""
        scan, history = self._scan.stats, self._historian.stats
        notification, reports = self._notification, self._reports
        healthy = self.scanning and history.healthy and not history.losing and not self._unkept
        healthy = healthy and not any(each and each.failing for each in (notification, reports))
        return {
            "status": "ok" if healthy else "degraded",
            "uptime_s": round(time.time() - self.started, 1),
            "scan": {
                "status": "ok" if self.scanning else "late",
                "scans": scan.scans,
                "overruns": scan.overruns,
                "failures": scan.failures,
                "read_ms": round(scan.read_s * 1000, 2),
                "work_ms": round(scan.work_s * 1000, 2),
            },
            "simulations": {
                "status": "ok",
                "running": len(self._opcua.simulations.running()),
                "failures": self._opcua.simulations.failures,
            },
            "historian": {
                "status": "ok" if history.healthy else "away",
                "state": state_of(history).name.capitalize(),
                "engine": self._historian.engine,
                "rows_written": history.rows_written,
                "scans_buffered": history.scans_buffered,
                "scans_spilled": history.scans_spilled,
                "scans_dropped": history.scans_dropped,
                "spill_used_percent": round(100 * history.spill_used, 1),
                "scans_moved": self._historian.scans_moved,
                "lag_s": round(history.lag_s, 1),
                "last_error": history.last_error,
                "audit_dropped": self._historian.audit_writer.dropped,
                "events_dropped": self._historian.journal_writer.dropped,
            },
            "jobs": self._jobs.state(),
            "alarms": {
                "status": "not kept" if self._unkept else "ok",
                "error": self._unkept,
                "ledger_bytes": 0 if self._ledger is None else self._ledger.bytes,
            },
            "learning": {"status": "off"} if self._learning is None else self._learning.state(),
            "models": self._opcua.models.state(),
            "notification": {"status": "off"} if notification is None else notification.state(),
            "reports": {"status": "off"} if reports is None else reports.state(),
            "opcua": {
                "status": "ok",
                "connections": len(self._opcua.dispatcher.connections),
                "sessions": len(self._opcua.sessions.by_token),
                "subscriptions": len(self._opcua.subscriptions.all),
                "requests": self._opcua.dispatcher.requests,
            },
        }

    def metrics(self) -> Iterator[Metric]:
        """The same for Prometheus, with the fleet's own totals."""
        scan, history = self._scan.stats, self._historian.stats
        simulated = self._historian.simulated_stats
        for name, text, value in (
            ("voltkeep_scan_read_seconds", "Duration of the last reading of the source", scan.read_s),
            ("voltkeep_scan_work_seconds", "Duration of the last evaluation of a scan", scan.work_s),
            ("voltkeep_historian_healthy", "Whether the database takes data", float(history.healthy)),
            ("voltkeep_historian_lag_seconds", "How far history is behind the scan", history.lag_s),
            ("voltkeep_historian_buffered_scans", "Scans in memory", history.scans_buffered),
            ("voltkeep_historian_spilled_scans", "Scans on disk", history.scans_spilled),
            ("voltkeep_historian_spill_used_ratio", "Disk space that they take", history.spill_used),
            ("voltkeep_opcua_sessions", "OPC UA sessions", len(self._opcua.sessions.by_token)),
            ("voltkeep_opcua_subscriptions", "Subscriptions", len(self._opcua.subscriptions.all)),
            ("voltkeep_simulations", "Simulations that run", len(self._opcua.simulations.running())),
            ("voltkeep_simulated_purging", "Whether simulated rows must still go", float(simulated.purging)),
            ("voltkeep_alarms_unkept", "Whether alarms cannot be written down", float(bool(self._unkept))),
            ("voltkeep_active_alarms", "Active alarms", self._total("ActiveAlarms")),
            ("voltkeep_unacknowledged_alarms", "Unacknowledged alarms", self._total("UnacknowledgedAlarms")),
            ("voltkeep_alarm_rate", "Alarms raised in the last 10 min", self._total("AlarmRate")),
            ("voltkeep_alarm_flood", "Whether that is a flood", self._total("AlarmFlood")),
            ("voltkeep_open_incidents", "Incidents that are open", self._total("OpenIncidents")),
            ("voltkeep_healthy_jars", "Jars that are healthy", self._total("HealthyJars")),
            ("voltkeep_fresh_share_percent", "Jars with fresh data", self._total("FreshDataShare")),
        ):
            yield GaugeMetricFamily(name, text, value=value)
        for name, text, value in (
            ("voltkeep_scans", "Scans", scan.scans),
            ("voltkeep_scan_overruns", "Scans that missed their period", scan.overruns),
            ("voltkeep_scan_failures", "Scans that failed", scan.failures),
            (
                "voltkeep_simulation_failures",
                "Times that the simulations failed and were ended",
                self._opcua.simulations.failures,
            ),
            ("voltkeep_historian_rows", "Rows written", history.rows_written),
            ("voltkeep_historian_dropped_scans", "Scans lost for want of disk", history.scans_dropped),
            ("voltkeep_audit_dropped", "Audit entries lost", self._historian.audit_writer.dropped),
            ("voltkeep_events_dropped", "Events not kept", self._historian.journal_writer.dropped),
            (
                "voltkeep_historian_moved_scans",
                "Scans under another time than the clock's, which had jumped by years",
                self._historian.scans_moved,
            ),
            ("voltkeep_simulated_rows", "Simulated rows written", simulated.rows_written),
            ("voltkeep_simulated_dropped_scans", "Simulated scans not kept", simulated.scans_dropped),
            ("voltkeep_opcua_requests", "OPC UA requests", self._opcua.dispatcher.requests),
        ):
            yield CounterMetricFamily(name, text, value=value)
        yield from self._job_metrics()
        if self._learning is not None:
            yield from self._learning.metrics()
        for each in (self._notification, self._reports):
            if each is not None:
                yield from each.metrics()
        yield from gateway_metrics(self._scan.frame)

    def _job_metrics(self) -> Iterator[Metric]:
        seconds = GaugeMetricFamily("voltkeep_job_seconds", "Duration of a job's last run", labels=["job"])
        failed = GaugeMetricFamily("voltkeep_job_failed", "Whether its last run failed", labels=["job"])
        done = CounterMetricFamily("voltkeep_job_done", "Hours, days or parts it has seen to", labels=["job"])
        for job in self._jobs.all:
            seconds.add_metric([job.name], job.seconds)
            failed.add_metric([job.name], float(bool(job.error)))
            done.add_metric([job.name], job.done)
        yield from (seconds, failed, done)

    @property
    def _unkept(self) -> str:
        """Why alarms would not outlive the process, if they would not."""
        return "" if self._ledger is None else self._ledger.error

    def _total(self, tag: str) -> float:
        return float(self._scan.frame.column(AssetType.FLEET, tag)[0])
