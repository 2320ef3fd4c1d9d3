"""The composition root: builds the server's parts from the settings, runs them, and stops them in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog
from asyncua import ua

from analytics.estimate import Parameters
from config.settings import Settings
from drivers.source import Source
from historian.errors import HistorianError
from historian.historian import Historian
from historian.simulations import SimulationsLeft
from nodeset import status as st
from nodeset.frame import Readings
from nodeset.index import TagIndex
from server import memory
from server.alarms.configuration import Configuration
from server.alarms.definition import ConditionIndex
from server.alarms.ledger import Ledger
from server.alarms.management.management import Management
from server.alarms.management.statefile import ManagementState
from server.alarms.overrides import Override
from server.alarms.recordevents import events_of
from server.alarms.recovery import Written
from server.alarms.table import AlarmTable
from server.endpoint import NODE_SET, OpcUaServer, check_port, port_error
from server.errors import StartError
from server.health import Health
from server.jobs import Jobs, historian_jobs
from server.learning.care import ModelCare
from server.learning.learning import MODULE, Learning
from server.learning.process import WorkerProcess
from server.learning.serving import Place
from server.livetable import LiveTable
from server.maintenance.plantlog import PlantLog, life_of_jars
from server.maintenance.workbook import Workbook
from server.methods import alarmconfiguration
from server.plantfiles import read_notify, read_plant_files
from server.protocol.wire import now_us
from server.savedstate import SavedState
from server.scanning import backfill
from server.scanning.arrivals import STANDING
from server.scanning.evaluation import Evaluation
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality, Staleness
from server.scanning.scan import Scan
from server.scanning.setpoints import SetPoints
from server.security.firstaccounts import make_accounts
from server.simulationnote import SimulationNote
from server.space.nodecache import open_nodes
from simulator.compositions import Catalogue, read_scenario_file
from simulator.past import Span
from simulator.plant import Plant
from simulator.shadow import Shadow
from simulator.source import SimulatorSource

if TYPE_CHECKING:
    from config.notifyfile import NotifyFile
    from server.notify.figures import NotifyFigures
    from server.notify.notifier import Notifier
    from server.reports.delivery import ReportDelivery
    from server.reports.figures import ReportFigures

log = structlog.get_logger(__name__)

Say = Callable[[str], None]

SWEEP_PERIOD: Final = 1.0
MICROSECONDS: Final = 1_000_000


class PlantClock:
    """The plant's time [µs]: the wall's, or that of a simulated plant that runs faster."""

    def __init__(self, speed: float, last: int) -> None:
        self._began = now_us()
        self._origin = max(self._began, last)
        self._speed = speed

    def __call__(self) -> int:
        return self._origin + round((now_us() - self._began) * self._speed)


class App:
    """One server: scan, OPC UA, historian, health."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._stack = AsyncExitStack()
        self._prognosis: Prognosis
        self._alarms: AlarmTable
        self._saved: SavedState
        self._ledger: Ledger
        self._management: ManagementState
        self._opcua: OpcUaServer
        self._learning: Learning
        self._models: ModelCare
        self._jobs: Jobs
        self._notifier: Notifier | None = None
        self._reports: ReportDelivery | None = None
        self._past: backfill.Work | None = None
        self._plant_log: PlantLog | None = None
        self._workbook: Workbook
        self._standing = STANDING
        self.admin_password: str | None = None

    async def run(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Start, call `ready`, and serve until `stop` is set; then stop everything in order."""
        async with self._stack:
            scan = await self._start()
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(scan.run(), name="scan"),
                    tasks.create_task(self._sweep(), name="sweep"),
                    tasks.create_task(self._saved.run(), name="save"),
                    tasks.create_task(self._ledger.run(), name="ledger"),
                    tasks.create_task(self._management.run(), name="alarm management"),
                ]
                if self._notifier is not None:
                    self._stack.push_async_callback(self._notifier.close)
                    running.append(tasks.create_task(self._notifier.run(), name="notify"))
                if self._plant_log is not None:
                    running.append(tasks.create_task(self._plant_log.run(), name="plant log"))
                if self._past is not None:
                    running.append(tasks.create_task(self._fill_in(self._past), name="past"))
                memory.settle()
                ready()
                running.append(tasks.create_task(self._learning.run(), name="learning"))
                await self._jobs.start()
                self._stack.push_async_callback(self._jobs.close)
                await stop.wait()
                self._opcua.simulations.end_all("the server is stopped")
                await self._opcua.announce_shutdown("The server is stopped")
                for task in running:
                    task.cancel()
            self._say("Saving the state of twin and alarms")
            self._saved.save()
            self._management.save()

    async def _start(self) -> Scan:
        settings = self._settings
        self._check_ports()
        conditions, overrides, file = read_plant_files(settings)
        notify = read_notify(settings, conditions)
        fleet = conditions.fleet
        catalogue = Catalogue(read_scenario_file(settings.simulator.scenarios))
        settings.home.mkdir(parents=True, exist_ok=True)
        index = TagIndex(fleet)
        # What is simulated beside real devices has nodes of its own (S6).
        shown = index if settings.source == "simulator" else index.mirrored()
        sites, jars = len(fleet.sites), len(fleet.jars)
        self._say(f"Fleet {fleet.name}: {sites} sites, {len(fleet.strings)} strings, {jars} jars")
        # The database starts in a process of its own while this one loads the nodes.
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(self._open_historian(shown))
            node_sets = [NODE_SET, *settings.nodeset.import_]
            loading = tasks.create_task(asyncio.to_thread(open_nodes, settings.home / "cache", node_sets))
        historian = opening.result()
        last = await historian.latest()
        clock = PlantClock(self._speed, int(last.time.max(initial=0)))
        source, plant = await self._open_source(index, clock())
        if plant is not None:
            _set_again(plant, last)
        shadow = Shadow(index, plant, settings.simulator.seed, catalogue)
        configuration = self._configured(conditions, overrides)
        self._alarms = AlarmTable(conditions, clock(), configuration.overrides)
        self._prognosis = Prognosis(Parameters.of(fleet), clock())
        self._saved = SavedState(self._state, self._prognosis, self._alarms.inputs)
        self._saved.restore()
        await self._open_workbook(historian, plant)
        untold = await self._open_ledger(historian)
        table = LiveTable(shown)
        management = Management(self._alarms, file.management, file.incidents)
        self._management = ManagementState(self._state, management)
        self._management.load()
        self._opcua = OpcUaServer(
            settings, table, self._alarms, configuration, management, historian, self._workbook
        )
        self._learning = self._compose_learning(historian, clock)
        self._opcua.forecast = lambda: self._learning.forecast
        set_points = SetPoints(table, source)
        evaluation = Evaluation(Quality(index, self._staleness), self._prognosis)
        note = SimulationNote(self._state / "simulations.json")
        note.tell()
        self._opcua.compose(loading.result(), evaluation, shadow, catalogue, clock, set_points.write)
        self._opcua.simulations.remember = note.write
        await self._open_models(historian, clock)
        self._keep_alarms(untold)
        if notify is not None:
            self._begin_notifying(notify)
        self._begin_reporting(notify)
        left = SimulationsLeft(clock(), "the server went down while it ran")
        self._opcua.journal.offer(left)
        scan = self._compose_scan(index, source, evaluation, table, historian, clock)
        scan.resume(_as_last_known(last))
        accounts, preset = self._opcua.accounts, settings.admin.password
        await accounts.load()
        self.admin_password = await make_accounts(accounts, settings.home, preset)
        await scan.once()
        await self._open_doors(scan, historian)
        if plant is not None:
            self._plant_log = PlantLog(plant, self._workbook, historian.journal_writer.offer)
            self._past = self._missing_past(scan.frame.time, first=not last.rows.size)
        return scan

    def _compose_learning(self, historian: Historian, clock: PlantClock) -> Learning:
        """Learnt models, with what they said last."""
        place = Place(self._settings.fleet, historian.conninfo)
        learning = Learning(
            WorkerProcess(MODULE), place, self._prognosis, clock, self._state, self._opcua.models
        )
        learning.restore()
        return learning

    async def _open_models(self, historian: Historian, clock: PlantClock) -> None:
        """Which learnt model speaks, and who decides that."""
        site, opcua = self._alarms.index.fleet.site_of_jar, self._opcua
        tell = opcua.model_events.tell
        self._models = ModelCare(
            self._settings, historian, self._learning, self._prognosis, site, opcua.models, tell, clock
        )
        await self._models.begin()
        self._stack.push_async_callback(self._models.close)
        opcua.serve_models(self._learning, self._models)

    def _begin_notifying(self, file: NotifyFile) -> None:
        """From now on conditions are heard; what is to be sent is sent once the server is ready."""
        from server.notify.composition import notifier_of

        self._notifier = notifier_of(file, self._opcua.conditions, self._state)
        self._opcua.notification.test = self._notifier.test

    def _begin_reporting(self, notify: NotifyFile | None) -> None:
        """Have scheduled reports delivered, where there are any."""
        schedules = self._settings.reports.schedules
        if not schedules:
            return
        from server.reports.delivery import ReportDelivery

        audit, opcua = self._opcua.audit, self._opcua

        def tell(name: str, outcome: str, places: str) -> None:
            audit.record(ua.ObjectIds.AuditEventType, f"report {outcome}", target=name, new=places)

        fleet, mail = self._alarms.index.fleet, None if notify is None else notify.mail
        delivery = ReportDelivery(schedules, opcua.report_orders, fleet, self._state, mail, tell)
        self._opcua.reports.delivery = self._reports = delivery
        self._stack.push_async_callback(delivery.close)

    def _check_ports(self) -> None:
        opcua, metrics = self._settings.opcua, self._settings.metrics
        check_port("OPC UA", opcua.host, opcua.port, "VOLTKEEP_OPCUA_PORT")
        check_port("Metrics", metrics.host, metrics.port, "VOLTKEEP_METRICS_PORT")

    def _compose_scan(
        self,
        index: TagIndex,
        source: Source,
        evaluation: Evaluation,
        table: LiveTable,
        historian: Historian,
        clock: PlantClock,
    ) -> Scan:
        return Scan(
            index,
            source,
            self._opcua.simulations.show,
            evaluation,
            self._opcua.conditions,
            table,
            self._opcua.subscriptions,
            historian,
            self._settings.scan.period,
            clock,
        )

    async def _open_doors(self, scan: Scan, historian: Historian) -> None:
        """Listen, for OPC UA and for health."""
        self._jobs = Jobs(
            [
                *historian_jobs(historian.care),
                *self._learning.jobs(),
                *self._models.jobs(),
                *self._opcua.jobs(),
            ]
        )
        if self._reports is not None:
            self._jobs.add(*self._reports.jobs())
        period, opcua = self._settings.scan.period, self._opcua
        told = self._notify_figures(), self._report_figures()
        health = Health(scan, period, historian, opcua, self._jobs, *told, self._ledger, self._learning)
        self._opcua.healthy = lambda: health.scanning
        await self._opcua.listen()
        self._stack.push_async_callback(self._opcua.close)
        await self._serve_health(health)

    def _notify_figures(self) -> NotifyFigures | None:
        if self._notifier is None:
            return None
        from server.notify.figures import NotifyFigures

        return NotifyFigures(self._notifier)

    def _report_figures(self) -> ReportFigures | None:
        if self._reports is None:
            return None
        from server.reports.figures import ReportFigures

        return ReportFigures(self._reports)

    @property
    def _staleness(self) -> Staleness:
        scan = self._settings.scan
        lost_after = round(scan.lost_after * MICROSECONDS)
        return Staleness(scan.stale_scans, lost_after, self._standing)

    def _missing_past(self, end: int, first: bool) -> backfill.Work | None:
        """What is to be written of a simulated plant's past: all at the first start, else what is left."""
        seed = self._settings.simulator.seed
        days = min(self._settings.simulator.past_days, self._settings.historian.raw_days)
        if not days:
            return None
        if not first:
            return backfill.unfinished(self._place, seed)
        span = Span.before(end, days)
        work = backfill.Work(seed, span.begin, span.end)
        backfill.begin(self._place, work)
        return work

    async def _fill_in(self, work: backfill.Work) -> None:
        days = (work.end - work.begin) / (86_400 * MICROSECONDS)
        self._say(f"Writing the simulated plant's {days:.4g} days before its first start in the background")
        try:
            await backfill.backfill(self._place, work, self._prognosis)
        except Exception:  # the past is a comfort, the present goes on
            log.exception("the plant's past could not be written")

    @property
    def _place(self) -> backfill.Place:
        settings = self._settings
        url = None if settings.historian.url is None else settings.historian.url.get_secret_value()
        return backfill.Place(
            settings.fleet, settings.home, url, settings.historian.raw_days, self._staleness
        )

    @property
    def _speed(self) -> float:
        settings = self._settings
        return settings.simulator.speed if settings.source == "simulator" else 1.0

    async def _open_historian(self, index: TagIndex) -> Historian:
        settings = self._settings
        try:
            historian = await Historian.start(settings.historian, settings.home, index, self._say)
        except HistorianError as error:
            raise StartError(str(error)) from None
        self._stack.push_async_callback(historian.close)
        self._say(f"Historian: {historian.engine}")
        return historian

    async def _open_source(self, index: TagIndex, time: int) -> tuple[Source, Plant | None]:
        settings = self._settings
        plant = None
        source: Source
        if settings.source == "simulator":
            self._say("Starting the plant simulator")
            simulated = SimulatorSource(index, settings.simulator.seed, time)
            source, plant = simulated, simulated.plant
        else:
            from drivers.modbus import ModbusSource

            modbus = settings.modbus
            self._say(f"Reading Modbus gateways from {modbus.host}:{modbus.port} on, one a site")
            gateways = ModbusSource(index, modbus, period=settings.scan.period)
            self._standing = max(STANDING, round(gateways.longest_cycle * MICROSECONDS))
            source = gateways
        await source.connect()
        self._stack.push_async_callback(source.close)
        return source, plant

    # -- state over a restart

    @property
    def _state(self) -> Path:
        return self._settings.home / "state"

    def _configured(self, conditions: ConditionIndex, overrides: tuple[Override, ...]) -> Configuration:
        """What the alarm file overrides, and what engineers changed since."""
        configuration = Configuration(conditions, overrides)
        for text in alarmconfiguration.load(configuration, self._state / alarmconfiguration.STATE_FILE):
            log.warning("alarm configuration", reason=text)
            self._say(text)
        return configuration

    async def _open_workbook(self, historian: Historian, plant: Plant | None) -> None:
        """Take up what was done to the plant; a simulated one has kept its log book by itself."""
        baseline = self._alarms.inputs.baseline
        fleet = self._alarms.index.fleet
        self._workbook = Workbook(historian.connections, fleet, self._prognosis, baseline)
        try:
            await self._workbook.open(() if plant is None else life_of_jars(plant))
        except HistorianError as error:
            raise StartError(str(error)) from None

    async def _open_ledger(self, historian: Historian) -> list[Written]:
        """Set the alarms as they were; gives what was told of them and is perhaps not in the journal."""
        self._ledger = Ledger(self._state / "alarms.ledger", self._alarms)
        untold = await self._ledger.begin(self._state / "alarms.npz")
        self._ledger.follow(historian.journal_writer)
        self._stack.push_async_callback(self._ledger.close)
        return untold

    def _keep_alarms(self, untold: list[Written]) -> None:
        """Have everything written down before it is told, and kept in the journal what a crash left out."""
        conditions, journal = self._opcua.conditions, self._opcua.journal
        conditions.record, conditions.note = self._ledger.record, self._ledger.note
        conditions.sinks.insert(1, self._ledger.told)  # after the journal
        for written in untold:
            for event in events_of(written, conditions.namespace):
                journal.keep(event)
                self._ledger.told(event)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_PERIOD)
            for session in self._opcua.sessions.sweep():
                log.info("session timed out", user=session.user.name or "anonymous")
                self._opcua.audit.record(
                    ua.ObjectIds.AuditSessionEventType, "session timed out", session=session
                )
            self._opcua.audit.flush()
            self._opcua.simulations.sweep()
            self._opcua.exports.sweep()

    async def _serve_health(self, health: Health) -> None:
        # Not before OPC UA is there: it takes longer to load than all else that a start does.
        from aiohttp import web

        from server.healthpages import application

        metrics = self._settings.metrics
        runner = web.AppRunner(application(health), access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, metrics.host, metrics.port).start()
        except OSError as error:
            raise port_error("Metrics", metrics.host, metrics.port, "VOLTKEEP_METRICS_PORT", error) from None


def _as_last_known(readings: Readings) -> Readings:
    """What was stored last is known, but not fresh (V3)."""
    stale = np.where(st.is_bad(readings.status), readings.status, np.uint32(st.UNCERTAIN_LAST_USABLE_VALUE))
    return Readings(readings.rows, readings.value, stale.astype(np.uint32), readings.time)


def _set_again(plant: Plant, last: Readings) -> None:
    """A simulated rectifier keeps its set-points over a restart, as a real one does."""
    known = np.isin(last.rows, plant.index.writable()) & st.is_good(last.status)
    plant.set_points(dict(zip(last.rows[known].tolist(), last.value[known].tolist(), strict=True)))
