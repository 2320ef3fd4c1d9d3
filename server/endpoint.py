"""The OPC UA endpoint put together: nodes, services and the listening socket, over one live table."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import structlog
from asyncua import ua

import nodeset
from config.settings import OpcUa, Settings
from historian.historian import Historian
from nodeset.index import MIRROR
from nodeset.types import TYPES_URI
from server.alarms.conditionmethods import ConditionMethods
from server.alarms.conditions import Conditions
from server.alarms.configuration import Configuration
from server.alarms.management.management import Management
from server.alarms.refresh import Refresh
from server.alarms.table import AlarmTable
from server.errors import StartError
from server.events.audit import AuditEvents
from server.events.event import system_event
from server.events.incident import IncidentEvents
from server.events.model import ModelEvents
from server.events.simulation import SimulationEvents
from server.events.types import EventTypes
from server.exports.exports import Exports
from server.history.annotations import AnnotationReader, AnnotationUpdates
from server.history.attime import AtTimeReader
from server.history.corrections import ValueForms
from server.history.encoding import ValueEncoder
from server.history.events import EventReader
from server.history.journal import Journal
from server.history.keptevents import KeptEvents
from server.history.modified import ModifiedReader
from server.history.nodes import HistorisedNodes
from server.history.processed import ProcessedReader
from server.history.raw import RawReader
from server.history.reading import NodeKind, Operation
from server.history.service import HistoryService
from server.history.update import HistoryUpdateService
from server.history.updateaudit import UpdateAudit
from server.history.valueupdates import ValueUpdates
from server.jobs import Job
from server.learning.care import ModelCare
from server.learning.forecast import Forecast
from server.learning.learning import Learning
from server.learning.record import record_of, records_of
from server.learning.status import ModelStatus
from server.livetable import LiveTable
from server.maintenance.workbook import Workbook
from server.methods import alarmconfiguration
from server.methods.alarmconfiguration import AlarmConfiguration
from server.methods.alarmdefinitions import AlarmDefinitionMethods
from server.methods.alarms import AlarmMethods
from server.methods.audit import AuditMethods
from server.methods.customscenarios import STATE_FILE, CustomScenarios
from server.methods.export import ExportMethods
from server.methods.heldback import HeldBackMethods
from server.methods.maintenance import MaintenanceMethods
from server.methods.models import ModelMethods
from server.methods.notification import NotificationMethods
from server.methods.planning import PlanningMethods
from server.methods.predictions import PredictionMethods, Record, Records
from server.methods.reports import ReportMethods
from server.methods.rul import RulMethods
from server.methods.server import ServerMethods
from server.methods.simulation import SimulationMethods
from server.methods.users import UserMethods
from server.protocol.channel import Approve, Channel, Unusable
from server.protocol.connections import Bounds
from server.protocol.dispatch import Dispatcher
from server.protocol.sessions import Sessions
from server.protocol.stack import APPLICATION_URI, Policy, offered_policies
from server.protocol.transport import Connection, Limits
from server.reports.orders import ReportOrders
from server.scanning.evaluation import Evaluation
from server.scanning.keeping import Keeping
from server.scanning.prognosis import Prognosis
from server.scanning.stage import LiveStage, MirrorStage, Stage
from server.security.accounts import Accounts
from server.security.audit import Audit
from server.security.certificates import Application, OwnCertificate, host_names, own_certificate
from server.security.certificatestore import CertificateStore
from server.security.gate import CertificateGate
from server.security.lockout import Lockout
from server.security.passwords import PasswordRules
from server.security.permissions import Permissions, Profile
from server.security.trust import Rules, der
from server.security.usertokens import UserTokens
from server.services.attribute import AttributeService
from server.services.diagnostics import Diagnostics
from server.services.discovery import DiscoveryService
from server.services.method import MethodService
from server.services.monitoreditem import SERVER_NOTIFIER, MonitoredItemService
from server.services.session import SessionService
from server.services.subscription import SubscriptionService
from server.services.view import ViewService
from server.simulations import Simulations
from server.space import standardnodes
from server.space.addressspace import AddressSpace
from server.space.alarmnodes import AlarmNodes
from server.space.analyticsnodes import AnalyticsNodes
from server.space.assetnodes import AssetNodes
from server.space.conditionnodes import ConditionNodes
from server.space.diagnosticnodes import DiagnosticNodes
from server.space.filenodes import FileNodes
from server.space.historynodes import HistoryNodes
from server.space.mirrornodes import connect_mirror
from server.space.namespaces import describe as describe_namespaces
from server.space.nodestore import NodeStore
from server.space.rowparser import RowParser
from server.space.simulationnodes import SimulationNodes
from server.space.status import Status
from server.space.valuetypes import ValueTypes
from server.space.writablerows import SetPointWriter, WritableRows
from simulator.compositions import Catalogue
from simulator.shadow import Shadow

log = structlog.get_logger(__name__)

NODE_SET: Final = Path(nodeset.__file__).parent / "voltkeep.NodeSet2.xml"
HMI_URI: Final = "urn:voltkeep:hmi"
SYSTEM_SEVERITY: Final = 100
SHUTDOWN: Final = 1.0  # s, for clients to see it coming
DAY: Final = 86_400.0  # s


class MethodGroup(Protocol):
    """Methods of one object, that are registered together."""

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take them on."""


class OpcUaServer:
    """Services over the live table, and the socket on which clients reach them."""

    def __init__(
        self,
        settings: Settings,
        table: LiveTable,
        alarms: AlarmTable,
        configuration: Configuration,
        management: Management,
        historian: Historian,
        workbook: Workbook,
    ) -> None:
        self._settings = settings
        self._table = table
        self._historian = historian
        self._listener: asyncio.Server | None = None
        self._channels = 0
        self._limits = Limits(unread_s=settings.opcua.slow_client_timeout)
        self._policies: list[Policy] = []
        self.audit = Audit()
        self.permissions = Permissions(settings.demo)
        self.sessions = Sessions(settings.opcua.max_sessions)
        self.dispatcher = Dispatcher(self.sessions, self.audit, _bounds(settings.opcua))
        security = settings.security
        self.accounts = Accounts(
            historian.accounts,
            PasswordRules(security.password_length, security.forbidden_passwords),
            Lockout(security.lockout_failures, security.lockout_time),
        )
        self.subscriptions = SubscriptionService(
            table, settings.opcua.max_subscriptions, settings.opcua.min_publishing_interval
        )
        self.audit.sinks += [
            lambda entry: historian.audit_writer.offer(entry.row()),
            AuditEvents(self.subscriptions).tell,
        ]
        self.diagnostics = Diagnostics(self.sessions, self.dispatcher, self.subscriptions)
        url = settings.historian.url
        self.exports = Exports(None if url is None else url.get_secret_value(), settings.home)
        self.alarms = alarms
        self._configuration = configuration
        self._workbook = workbook
        self.management = management
        self.models = ModelStatus()
        self.model_events: ModelEvents
        self._register: Callable[[MethodGroup], None]
        self._record: Record
        self._records: Records
        self._types: int
        self.journal: Journal
        self._clock: Callable[[], int]
        self.conditions: Conditions
        self.notification = NotificationMethods()
        self.set_points: WritableRows
        self.simulations: Simulations
        self.healthy: Callable[[], bool] = lambda: False
        self.forecast: Callable[[], Forecast | None] = lambda: None
        self.status = Status(lambda: self.healthy())

    def compose(
        self,
        store: NodeStore,
        evaluation: Evaluation,
        shadow: Shadow,
        catalogue: Catalogue,
        clock: Callable[[], int],
        write: SetPointWriter,
    ) -> None:
        """Put the services in place, over the nodes of the standard and of our types."""
        self._write = write
        settings = self._settings
        namespaces, fleet_namespace = standardnodes.with_fleet(store.namespaces)
        types = namespaces.index(TYPES_URI)
        assets, *mirrors = self._assets(types, fleet_namespace)
        for each in (assets, *mirrors):
            each.jars = self._workbook.nameplates.jars
        self._kept = KeptEvents(namespaces, fleet_namespace)
        self._clock = clock
        self.journal = Journal(self._kept, self._historian.journal_writer.offer)
        self.conditions = Conditions(
            self.alarms, self.subscriptions, self.journal.keep, fleet_namespace, clock, self.management
        )
        incidents = IncidentEvents(self.subscriptions, self.journal, types, fleet_namespace)
        self.management.sinks.append(incidents.tell)
        self.model_events = ModelEvents(self.subscriptions, self.journal, types, fleet_namespace, clock)
        self.management.place = mirrors[0].at if mirrors else ""
        condition_nodes = ConditionNodes(self.alarms, assets, self.conditions.event)
        assets.more_links = condition_nodes.links_from
        history = HistoryNodes(assets.node_id, settings.scan.period, settings.historian.raw_days)
        space = AddressSpace(store, assets, [condition_nodes, *self._mirror_nodes(mirrors), history])
        for mirror in mirrors:
            connect_mirror(space, assets, mirror)
        parser = RowParser(self._table.index, fleet_namespace)
        space.registered = parser.identifier
        standardnodes.describe(space, namespaces, settings)
        self.status.describe(space)
        describe_namespaces(space, namespaces, self.permissions)
        DiagnosticNodes(space, self.diagnostics, self.permissions)
        types_of = ValueTypes(space)
        self._serve(space, parser, types_of, clock)
        methods = MethodService(space, self.permissions, types_of, self.audit)
        methods.register(self.dispatcher)
        ConditionMethods(self.conditions, fleet_namespace, clock).register(methods)
        Refresh(self.conditions, clock).register(methods)
        self.simulations = self._simulations(evaluation, shadow, clock, assets)
        SimulationNodes(self.simulations).describe(space, assets)
        AlarmNodes(self.management).describe(space, assets)
        AnalyticsNodes(self.models).describe(space, assets)
        AlarmMethods(self.conditions).register(methods, assets.node_id)
        SimulationMethods(self.simulations).register(methods, assets.node_id)
        custom = CustomScenarios(self.simulations, catalogue, settings.home / "state" / STATE_FILE)
        custom.load()
        custom.register(methods, assets.node_id)
        FileNodes(space, self.exports)
        self._serve_files(methods, assets)
        self._serve_configuration(space, methods, assets)
        AuditMethods(self._historian.audit_trail).register(methods, assets.node_id)
        self.notification.register(methods, assets.node_id)
        HeldBackMethods(self.alarms).register(methods, assets.node_id)
        ServerMethods(space, self.subscriptions).register(methods)
        shows = self.simulations.prognosis_of if not mirrors else lambda _jar: evaluation.prognosis
        RulMethods(self._table, shows, lambda: self.forecast()).register(methods, assets.node_id)
        self._serve_maintenance(methods, assets, evaluation.prognosis)
        self._register = lambda group: group.register(methods, assets.node_id)
        self._record = lambda frame, jar: record_of(frame, jar, shows(jar), self.forecast())
        plant = evaluation.prognosis
        self._records = lambda frame, jars: records_of(frame, jars, plant, shows, self.forecast())
        self._types = types
        UserMethods(self.accounts, self.sessions, self.audit).register(methods, self.permissions, space)
        self._secure()

    def _serve_files(self, methods: MethodService, assets: AssetNodes) -> None:
        fleet = self._table.index.fleet
        self.report_orders = ReportOrders(self._settings, fleet, self._clock)
        exporting = ExportMethods(self.exports, self.report_orders, fleet, self.permissions, assets.node_id)
        exporting.register(methods)
        self.reports = ReportMethods(self.exports, self.report_orders, fleet)
        self.reports.register(methods, assets.node_id)

    def _serve_maintenance(self, methods: MethodService, assets: AssetNodes, prognosis: Prognosis) -> None:
        fleet = self._table.index.fleet
        MaintenanceMethods(self._workbook, fleet, self._clock).register(methods, assets.node_id)
        planning = PlanningMethods(self._table, prognosis, self._settings.maintenance)
        planning.register(methods, assets.node_id)

    def serve_models(self, learning: Learning, care: ModelCare) -> None:
        """Answer questions about what models say, and let engineers decide which of them speaks."""
        self._register(PredictionMethods(self._table, self._record, self._records, learning, self._types))
        simulated = self._settings.source == "simulator"
        self._register(ModelMethods(care.registry, care.choice, care.retraining, simulated))

    def _assets(self, types: int, fleet: int) -> list[AssetNodes]:
        """The nodes of the fleet, and those of its mirror where it has one."""
        places = [""] if self._table.index.first_mirrored is None else ["", MIRROR]
        return [AssetNodes(self._table, types, fleet, self._settings.scan.period, at) for at in places]

    def _mirror_nodes(self, mirrors: list[AssetNodes]) -> Iterator[AssetNodes | ConditionNodes]:
        for assets in mirrors:
            nodes = ConditionNodes(self.alarms, assets, self.conditions.mirrored_event)
            assets.more_links = nodes.links_from
            yield from (assets, nodes)

    def _simulations(
        self, evaluation: Evaluation, shadow: Shadow, clock: Callable[[], int], assets: AssetNodes
    ) -> Simulations:
        stage: Stage
        keeping = Keeping(self._historian, self._table.index.plant)
        if self._table.index.first_mirrored is None:
            stage = LiveStage(self.conditions, self._table, self.subscriptions, keeping)
        else:
            stage = MirrorStage(self.conditions.mirror, self._table, self.subscriptions, keeping)
        namespaces = [each.NamespaceIndex for each in (assets.type_id(""), assets.node_id(""))]
        events = SimulationEvents(self.subscriptions, self.journal, *namespaces)
        return Simulations(shadow, evaluation, stage, events, self._settings.scan.period, clock)

    def _serve(
        self, space: AddressSpace, parser: RowParser, types: ValueTypes, clock: Callable[[], int]
    ) -> None:
        settings = self._settings
        self.set_points = WritableRows(self._table.index, parser, self._write)
        self.permissions.declare_all(self.set_points.profile)
        attributes = AttributeService(
            space, self._table, parser, self.permissions, self.set_points, types, self.audit
        )
        items = MonitoredItemService(
            space,
            self._table,
            parser,
            attributes,
            self.subscriptions,
            settings.opcua.max_monitored_items,
            settings.scan.period,
        )
        nodes = HistorisedNodes(space, parser, self._table.index)
        self.permissions.declare_all(nodes.profile)
        history = self._history(nodes, items.event_types)
        updates = self._history_updates(nodes, clock)
        for service in (attributes, ViewService(space, parser), self.subscriptions, items, history, updates):
            service.register(self.dispatcher)

    def _serve_configuration(self, space: AddressSpace, methods: MethodService, assets: AssetNodes) -> None:
        """Let engineers change what conditions ask for."""
        path = self._settings.home / "state" / alarmconfiguration.STATE_FILE
        configuring = AlarmConfiguration(self._configuration, self.conditions, path, self._clock)
        configuring.register(methods, assets.node_id)
        AlarmDefinitionMethods(self.alarms.index).register(methods, assets.node_id)
        space.setting_writer = configuring.writer
        self.permissions.declare_all(lambda node: Profile.SETTING if space.setting(node) else None)

    def _history(self, nodes: HistorisedNodes, types: EventTypes) -> HistoryService:
        history = HistoryService(nodes, self.permissions)
        encoder = ValueEncoder(self._table.index)
        processed = ProcessedReader(self._historian, encoder, self._table.index)
        history.serve(Operation.RAW, NodeKind.VARIABLE, RawReader(self._historian, encoder))
        history.serve(Operation.MODIFIED, NodeKind.VARIABLE, ModifiedReader(self._historian, encoder))
        history.serve(Operation.AT_TIME, NodeKind.VARIABLE, AtTimeReader(self._historian, encoder))
        history.serve(Operation.PROCESSED, NodeKind.VARIABLE, processed)
        events = EventReader(self._historian.events, self._kept, types, self.permissions)
        history.serve(Operation.EVENTS, NodeKind.NOTIFIER, events)
        notes = AnnotationReader(self._historian.annotations)
        history.serve(Operation.RAW, NodeKind.ANNOTATIONS, notes)
        return history

    def _history_updates(self, nodes: HistorisedNodes, clock: Callable[[], int]) -> HistoryUpdateService:
        updates = HistoryUpdateService(nodes, self.permissions, UpdateAudit(self.audit))
        values = ValueUpdates(self._historian, ValueForms(self._table.index), clock)
        updates.serve(NodeKind.VARIABLE, values)
        updates.serve(NodeKind.ANNOTATIONS, AnnotationUpdates(self._historian.annotations, clock))
        return updates

    def _secure(self) -> None:
        settings = self._settings
        security, host = settings.security, settings.opcua.host
        pki = settings.home / "pki"
        application = Application(APPLICATION_URI, "Voltkeep", host, security.key_bits)
        own = own_certificate(pki / "own", application)
        self.clients = CertificateStore(pki)
        make_hmi_certificate(settings, self.clients, own)
        self._renew = lambda: make_hmi_certificate(settings, self.clients, own)
        rules = Rules(crl_required=security.crl_required, accept_unknown=security.accept_unknown)
        self._gate = CertificateGate(self.clients, CertificateStore(pki / "users"), rules, self.audit)
        self._policies = offered_policies(own.certificate, own.key, own.issuers, settings.demo)
        names = host_names(own.certificate)
        discovery = DiscoveryService(self._policies, settings.endpoint, own.sent, names)
        discovery.register(self.dispatcher)
        tokens = UserTokens(self.accounts, self._gate, own.key)
        self.session_service = SessionService(
            self.sessions, discovery, tokens, self._gate, self.audit, own.sent
        )
        self.session_service.register(self.dispatcher)

    def jobs(self) -> tuple[Job, ...]:
        """What the endpoint does from time to time."""
        return (Job("renew the HMI's certificate", self._renew_certificate, DAY, DAY),)

    async def _renew_certificate(self) -> int:
        """Make the HMI's certificate anew before it ends; a server may run for longer than that."""
        return int(await asyncio.to_thread(self._renew))

    async def listen(self) -> None:
        """Open the port; a port in use is a `StartError` that names it."""
        opcua = self._settings.opcua
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(self._connection, opcua.host, opcua.port)
        except OSError as error:
            raise port_error("OPC UA", opcua.host, opcua.port, "VOLTKEEP_OPCUA_PORT", error) from None
        self._tell("The server has started")

    def _connection(self) -> Connection:
        def approve(certificates: bytes, _policy: str) -> None:
            self._gate.admit(certificates, connection)

        def unusable(certificates: bytes) -> None:
            self._gate.refuse_unusable(certificates, connection)

        connection = Connection(self.dispatcher, lambda: self._channel(approve, unusable), self._limits)
        return connection

    def _channel(self, approve: Approve, unusable: Unusable) -> Channel:
        limits, sizes = self._limits, (self._limits.chunk, self._limits.message)
        return Channel(self._policies, self._next_channel, *sizes, limits.chunks, approve, unusable)

    def _next_channel(self) -> int:
        self._channels += 1
        return self._channels

    async def announce_shutdown(self, reason: str) -> None:
        """Tell clients that the server ends, and give those that are there a moment to see it."""
        self._tell(reason)
        self.status.shut_down(SHUTDOWN, reason)
        self.sessions.closing = True
        if self.sessions.by_token:
            await asyncio.sleep(SHUTDOWN)

    def _tell(self, message: str) -> None:
        """Tell, and keep in the journal, what happens to the server itself."""
        event = system_event(self._clock(), message, SYSTEM_SEVERITY)
        self.journal.keep(event)
        self.subscriptions.listeners().offer(event, frozenset({SERVER_NOTIFIER}))

    async def close(self) -> None:
        """Close the port, then every session and connection."""
        if self._listener is not None:
            self._listener.close()
        self.conditions.finish()
        for session in list(self.sessions.by_token.values()):
            self.sessions.close(session)
        self.subscriptions.close()
        await self.exports.close()
        self.audit.flush(everything=True)
        for connection in list(self.dispatcher.connections):
            connection.close()
        await asyncio.sleep(0)


def _bounds(opcua: OpcUa) -> Bounds:
    return Bounds(opcua.max_connections, opcua.max_connections_of_address)


def make_hmi_certificate(settings: Settings, store: CertificateStore, own: OwnCertificate) -> bool:
    """Make what the HMI needs to come in: a certificate of its own, which is trusted unless a person refused
    it, and the server's, by which it knows this server. Whether it came to be trusted only now.
    """
    folder = settings.home / "hmi"
    made = own_certificate(folder, Application(HMI_URI, "Voltkeep HMI", settings.hmi.host), "client")
    server = folder / "server.der"
    if not server.exists() or server.read_bytes() != der(own.certificate):
        server.write_bytes(der(own.certificate))
    if store.trust_list().trusts(made.certificate) or store.was_rejected(made.certificate):
        return False
    store.trust(made.certificate)
    return True


def check_port(what: str, host: str, port: int, variable: str) -> None:
    """Raise `StartError` when a port that will be needed is not free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise port_error(what, host, port, variable, error) from None


def port_error(what: str, host: str, port: int, variable: str, error: OSError) -> StartError:
    """Which port, why, and what to do."""
    reason = (
        "is in use by another program"
        if error.errno == errno.EADDRINUSE
        else f"cannot be used: {error.strerror}"
    )
    return StartError(
        f"{what}: port {port} on {host} {reason}.\n"
        f"Stop that program, or choose another port: {variable}={port + 1000} voltkeep run"
    )
