"""Composition of the HMI: the shared live session, the users' accounts, the guard, the pages; one process.

`run` serves until it is stopped. The HMI imports nothing of ours but `config`: all it shows comes
through OPC UA, and all it does is done by the server in the name of the user.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
from typing import Final

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from nicegui import app, ui
from starlette.types import ASGIApp

from config.settings import Hmi, Settings
from hmi.accounts import Accounts
from hmi.alarmapi import AlarmApi
from hmi.api import Api
from hmi.assetfiles import ASSETS, AssetFiles
from hmi.background import Background
from hmi.compareapi import CompareApi
from hmi.configurationapi import ConfigurationApi
from hmi.endpoint import Endpoint
from hmi.exports import Exports
from hmi.fleetapi import FleetApi
from hmi.guard import Guard
from hmi.health import Health
from hmi.live import Live
from hmi.login import LogIn
from hmi.maintenanceapi import MaintenanceApi
from hmi.managementapi import ManagementApi
from hmi.modelsapi import ModelsApi
from hmi.pages import add_pages
from hmi.password import ChangePassword
from hmi.preferences import ChoosePreferences, Preferring
from hmi.reportapi import ReportApi
from hmi.rulapi import RulApi
from hmi.scenarioapi import ScenarioApi
from hmi.systemapi import SystemApi
from hmi.tls import Tls
from hmi.trendapi import TrendApi
from hmi.websession import Terms

SERVICE_SECRET: Final = "service.secret"
MAX_CONNECTIONS: Final = 3000
MAX_HEADERS: Final = 65_536  # bytes

log = logging.getLogger(__name__)


class Departed(logging.Filter):
    """A browser that leaves while its answer is made is no fault of ours, though Starlette says so."""

    def filter(self, record: logging.LogRecord) -> bool:
        fault = record.exc_info[1] if record.exc_info else None
        return not (isinstance(fault, RuntimeError) and str(fault) == "No response returned.")


def run(settings: Settings) -> int:
    """Serve the pages on `settings.hmi` until stopped; the exit code."""
    hmi = settings.hmi
    logging.basicConfig(level=settings.log.level.upper(), format="hmi: %(message)s")
    try:
        tls = Tls(hmi.tls_certificate, hmi.tls_key) if hmi.tls_certificate and hmi.tls_key else None
        fault = port_fault(hmi.host, hmi.port)
    except (OSError, ValueError) as error:
        fault = f"hmi.tls_certificate {hmi.tls_certificate} and hmi.tls_key {hmi.tls_key}: {error}"
    if fault:
        print(f"hmi: {fault}", file=sys.stderr)
        return 1
    if note := plain_note(hmi):
        log.warning("%s", note)
    # What matters of OPC UA is said by hmi.live, once on loss and once on recovery.
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").addFilter(Departed())
    background = compose(settings, tls)
    ui.run(
        host=hmi.host,
        port=hmi.port,
        title="Voltkeep",
        favicon=ASSETS / "favicon.svg",
        show=False,
        reload=False,
        show_welcome_message=False,
        tailwind=False,
        gzip_middleware_factory=compressed,
        binding_refresh_interval=None,
        message_history_length=0,
        ws_per_message_deflate=False,
        ws_max_size=100_000,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        # Slower than httptools, which keeps headers without a limit before anybody has logged in.
        http="h11",
        h11_max_incomplete_event_size=MAX_HEADERS,
        # What a proxy says of the browser is believed of those alone that the settings name.
        proxy_headers=bool(hmi.trusted_proxies),
        forwarded_allow_ips=list(hmi.trusted_proxies),
        ssl_context_factory=tls.factory if tls else None,
        # Browsers hold their streams open for ever: a stop does not wait for them.
        timeout_graceful_shutdown=1,
    )
    return int(background.failed)


def plain_note(hmi: Hmi) -> str:
    """What to say where passwords would cross a network as they are."""
    if hmi.tls_certificate or hmi.trusted_proxies or hmi.host in ("127.0.0.1", "::1", "localhost"):
        return ""
    return (
        f"the pages are served to {hmi.host} without encryption: whoever listens there can read passwords; "
        "set hmi.tls_certificate and hmi.tls_key, or put a proxy before them (docs/security.md)"
    )


def compressed(app: ASGIApp) -> GZipMiddleware:
    """Lightly: the best compression costs more time than a plant's network does."""
    return GZipMiddleware(app, minimum_size=1000, compresslevel=2)


def compose(settings: Settings, tls: Tls | None = None) -> Background:
    """Build all parts and hand them to the web application; what runs beside it."""
    folder = settings.home / "hmi"
    endpoint = Endpoint(settings.endpoint, folder)
    live = Live(endpoint, folder / SERVICE_SECRET, settings.demo)
    terms = Terms.of_settings(settings.hmi)
    accounts = Accounts(endpoint, terms, lambda: live.state.up)
    app.add_middleware(Guard, accounts=accounts)
    app.add_middleware(Preferring, settings=settings.hmi)
    app.mount("/assets", AssetFiles())
    add_routes(app, live, accounts)
    add_pages(live.channels.zones)
    background = Background(live.run, accounts.run, *([tls.run] if tls is not None else []))

    async def stop() -> None:
        await background.stop()
        await accounts.close()

    app.on_startup(background.start)
    app.on_shutdown(stop)
    return background


def add_routes(app: FastAPI, live: Live, accounts: Accounts) -> None:
    """Every route but the pages."""
    Api(live, accounts).add_to(app)
    AlarmApi(live, accounts).add_to(app)
    ManagementApi(live, accounts).add_to(app)
    ConfigurationApi(live, accounts).add_to(app)
    ModelsApi(live, accounts).add_to(app)
    ScenarioApi(live, accounts).add_to(app)
    TrendApi(live).add_to(app)
    CompareApi(live).add_to(app)
    FleetApi(live).add_to(app)
    RulApi(live, accounts).add_to(app)
    MaintenanceApi(live, accounts).add_to(app)
    SystemApi(live, accounts).add_to(app)
    exports = Exports(live, accounts)
    exports.add_to(app)
    ReportApi(live, accounts, exports).add_to(app)
    LogIn(accounts).add_to(app)
    ChangePassword(accounts).add_to(app)
    ChoosePreferences().add_to(app)
    Health(live).add_to(app)


def port_fault(host: str, port: int) -> str:
    """Why the HMI cannot listen there, and what to do; empty when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return (
                    f"port {port} of {host} is in use by another program; stop that one, "
                    f"or choose another port with hmi.port or VOLTKEEP_HMI_PORT"
                )
            return f"cannot listen on {host}:{port}: {error.strerror}"
    return ""
