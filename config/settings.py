"""Every setting of Voltkeep, declared once: from `voltkeep.yaml`, the environment and the command line.

`opcua.port` in the file is `VOLTKEEP_OPCUA_PORT` in the environment; the environment wins over the
file, and options of the command line win over both. A wrong value raises `ConfigurationError`.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from config.reportsettings import Reports
from config.yamlfile import ConfigurationError, Loc, YamlFile, load

HERE = Path(__file__).parent
ENV_PREFIX = "VOLTKEEP_"
CONFIG_VARIABLE = "VOLTKEEP_CONFIG"
LOOPBACK = "127.0.0.1"

LAST_PORT = 65_535
Port = Annotated[int, Field(ge=1, le=LAST_PORT)]
Seconds = Annotated[float, Field(gt=0)]
Framer = Literal["tcp", "rtu"]


class Section(BaseModel):
    """A mapping of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class OpcUa(Section):
    """The OPC UA endpoint."""

    host: str = LOOPBACK
    port: Port = 4840
    max_connections: Annotated[int, Field(ge=1)] = 1000
    max_connections_of_address: Annotated[
        int, Field(ge=1, description="from one address, this machine excepted")
    ] = 100
    slow_client_timeout: Annotated[Seconds, Field(description="[s] for a client to read its answers")] = 30.0
    max_sessions: Annotated[int, Field(ge=1)] = 200
    max_subscriptions: Annotated[int, Field(ge=1)] = 500
    max_monitored_items: Annotated[int, Field(ge=1, description="in one subscription")] = 1_000_000
    min_publishing_interval: Annotated[float, Field(gt=0, description="[ms]")] = 50.0


Minutes = Annotated[float, Field(gt=0, le=10_080, allow_inf_nan=False)]


Role = Literal["Viewer", "Operator", "Engineer", "Admin"]
# IEC 62443-3-3, SR 2.5: who may do more is logged out sooner; a console on shift must not go blind.
TIMEOUTS: Final[dict[Role, float]] = {"Viewer": 720.0, "Operator": 720.0, "Engineer": 30.0, "Admin": 15.0}


class Hmi(Section):
    """The operator's web pages."""

    host: str = LOOPBACK
    port: Port = 8080
    language: Annotated[
        Literal["en", "th"], Field(description="of a browser whose reader has not chosen one")
    ] = "en"
    calendar: Annotated[
        Literal["common", "buddhist"], Field(description="of dates, the same: common or Buddhist era")
    ] = "common"
    scale: Annotated[
        Literal["calm", "traffic"], Field(description="of states, the same: healthy is grey, or green")
    ] = "calm"
    timeouts: Annotated[
        dict[Role, Minutes],
        Field(description="[min] without activity until log-out, by role; none is for ever"),
    ] = TIMEOUTS
    longest_session: Annotated[
        float, Field(gt=0, le=168, description="[h] from log-in to log-out at most")
    ] = 24.0
    tls_certificate: Annotated[
        Path | None, Field(description="PEM, with its issuers', to serve HTTPS; none: HTTP")
    ] = None
    tls_key: Annotated[Path | None, Field(validate_default=True, description="PEM, of that certificate")] = (
        None
    )
    trusted_proxies: Annotated[
        tuple[str, ...],
        Field(description="addresses or networks whose X-Forwarded-For and -Proto are believed"),
    ] = ()

    @field_validator("timeouts")
    @classmethod
    def _of_all(cls, timeouts: dict[Role, float]) -> dict[Role, float]:
        """What is left out is as for all."""
        return TIMEOUTS | timeouts

    @field_validator("tls_key")
    @classmethod
    def _both(cls, key: Path | None, known: ValidationInfo) -> Path | None:
        """A certificate and its key belong together."""
        if (key is None) != (known.data.get("tls_certificate") is None):
            raise ValueError("hmi.tls_certificate and hmi.tls_key are given together")
        return key

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for each in proxies:
            ipaddress.ip_network(each)
        return proxies

    @property
    def scheme(self) -> str:
        """With which the pages are reached where no proxy stands before them."""
        return "https" if self.tls_certificate else "http"


class Metrics(Section):
    """Health, readiness and Prometheus metrics of the server."""

    host: str = LOOPBACK
    port: Port = 9464


class Gateway(Section):
    """One site's gateway; what is left out is as for all."""

    host: str | None = None
    port: Port | None = None
    map: str | None = None
    framer: Framer | None = None


@dataclass(frozen=True)
class Link:
    """How one site's gateway is reached and read."""

    host: str
    port: int
    map: str
    framer: Framer


class Modbus(Section):
    """Modbus gateways, one a site, on consecutive ports where `gateways` says nothing else."""

    host: str = LOOPBACK
    port: Port = 5020
    framer: Annotated[Framer, Field(description="Modbus TCP, or RTU frames over TCP")] = "tcp"
    timeout: Annotated[Seconds, Field(description="[s] for a whole answer")] = 2.0
    connect_timeout: Annotated[Seconds, Field(description="[s] for a connection")] = 2.0
    longest_pause: Annotated[
        float, Field(ge=10, le=30, description="[s] at most between attempts to reach a lost gateway")
    ] = 30.0
    scan_share: Annotated[
        float, Field(gt=0, le=50, description="[%] of the scan period that a scan waits for slow gateways")
    ] = 20.0
    in_flight: Annotated[
        int, Field(ge=1, le=16, description="requests under way to one gateway; 1 with RTU frames")
    ] = 1
    simulate: Annotated[
        bool, Field(description="`run` serves the simulated plant there, when all hosts are this machine")
    ] = True
    map: Annotated[str, Field(description="register map: a shipped name or a file")] = "reference"
    gateways: Annotated[dict[str, Gateway], Field(description="sites that differ, by name")] = {}

    def links(self, sites: Sequence[str]) -> tuple[Link, ...]:
        """The gateways of all `sites`, which are in the fleet's order; ports are not checked."""
        own = [self.gateways.get(site, Gateway()) for site in sites]
        return tuple(
            Link(
                host=one.host or self.host,
                port=one.port or self.port + i,
                map=one.map or self.map,
                framer=one.framer or self.framer,
            )
            for i, one in enumerate(own)
        )


class Scan(Section):
    """The scan and when a value is no longer fresh."""

    period: Annotated[float, Field(ge=0.1, le=3600, description="[s]")] = 5.0
    stale_scans: Annotated[int, Field(ge=1, description="scans until uncertain")] = 3
    lost_after: Annotated[float, Field(gt=0, description="[s] until bad")] = 300.0


class Historian(Section):
    """Where history is kept: a PostgreSQL URL, or the embedded database when empty."""

    url: SecretStr | None = None
    raw_days: Annotated[int, Field(ge=1, description="days that raw readings are kept")] = 730
    event_days: Annotated[int, Field(ge=1, description="days that events are kept")] = 3650
    hourly_days: Annotated[
        int, Field(ge=1, validate_default=True, description="days that hourly roll-ups are kept")
    ] = 3650
    daily_days: Annotated[
        int, Field(ge=1, validate_default=True, description="days that daily roll-ups are kept")
    ] = 3650
    compress_days: Annotated[
        int, Field(ge=1, description="days after which TimescaleDB compresses what it holds")
    ] = 7
    max_gb: Annotated[float, Field(gt=0, description="[GB] of the embedded database")] = 20.0
    spill_gb: Annotated[float, Field(gt=0, description="[GB] on disk while the database is away")] = 5.0
    simulated_gb: Annotated[float, Field(gt=0, description="[GB] of rows of running scenarios")] = 5.0
    buffer_scans: Annotated[int, Field(ge=1, description="scans in memory before the spill")] = 60

    @field_validator("hourly_days", "daily_days")
    @classmethod
    def _outlasts(cls, days: int, known: ValidationInfo) -> int:
        """What is summed up must not go before what it is made of."""
        finer = "raw_days" if known.field_name == "hourly_days" else "hourly_days"
        if days < known.data.get(finer, 0):
            raise ValueError(f"must be as many as historian.{finer} at least")
        return days


class Simulator(Section):
    """The plant simulator."""

    seed: int = 1
    speed: Annotated[float, Field(ge=1, le=100_000, description="simulated seconds a second")] = 1.0
    past_days: Annotated[
        float, Field(ge=0, le=730, description="[d] of the past written at the first start")
    ] = 90.0
    scenarios: Annotated[Path, Field(description="custom scenarios")] = HERE / "scenarios.yaml"


Baht = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Maintenance(Section):
    """What replacing jars costs and how it is done. The defaults are assumptions: put in your own figures."""

    currency: str = "THB"
    jar_price: Annotated[
        Baht, Field(description="of a jar; assumed: retail price in Thailand of 12 V, 120 Ah VRLA")
    ] = 11_000.0
    jar_prices: Annotated[dict[str, Baht], Field(description="of jar models that differ, by name")] = {}
    labour_per_jar: Annotated[Baht, Field(description="exchange, torque, first readings; assumed")] = 400.0
    labour_per_string: Annotated[Baht, Field(description="isolating it and putting it back; assumed")] = (
        2_500.0
    )
    labour_per_visit: Annotated[Baht, Field(description="journey and day of a crew; assumed")] = 12_000.0
    jars_a_day: Annotated[int, Field(ge=1, description="that a crew exchanges; assumed")] = 24
    crews: Annotated[int, Field(ge=1, description="that work at the same time; assumed")] = 2
    lead_days: Annotated[int, Field(ge=0, le=365, description="[d] until the first visit; assumed")] = 7
    whole_string_share: Annotated[
        float, Field(gt=0, le=1, description="of a string due within a year: above, all of it is replaced")
    ] = 0.3


class Rul(Section):
    """The learnt model of remaining useful life."""

    model: Annotated[
        str, Field(min_length=1, description="a version, `published`, or `twin` for the twin alone")
    ] = "published"
    fallback: Annotated[bool, Field(description="the twin speaks alone while the model drifts")] = True
    worse: Annotated[
        float, Field(ge=0, le=100, description="[%] by which a published model may be worse than the last")
    ] = 5.0


class Notify(Section):
    """Telling alarms by e-mail and webhook."""

    file: Annotated[Path | None, Field(description="who is told what, when; none: nobody")] = None


class Admin(Section):
    """The first user."""

    password: SecretStr | None = None


class Security(Section):
    """Passwords, log-in and certificates."""

    password_length: Annotated[int, Field(ge=8, le=64, description="characters at least")] = 12
    forbidden_passwords: Annotated[
        tuple[str, ...],
        Field(description="words that no password may be made of"),
    ] = ()
    lockout_failures: Annotated[
        int, Field(ge=1, le=100, description="wrong passwords from one address until it is locked out")
    ] = 5
    lockout_time: Annotated[float, Field(gt=0, le=86_400, description="[s]")] = 60.0
    accept_unknown: Annotated[
        bool, Field(description="clients with any sound certificate may open a channel")
    ] = False
    crl_required: Annotated[
        bool, Field(description="a certificate authority needs a current revocation list")
    ] = True
    key_bits: Annotated[
        Literal[2048, 3072, 4096], Field(description="[bit] of the certificates that Voltkeep makes")
    ] = 2048


class Log(Section):
    """The log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "text"


class NodeSet(Section):
    """Further NodeSet2 files to load (N5)."""

    import_: Annotated[tuple[Path, ...], Field(alias="import")] = ()


class Settings(BaseSettings):
    """All settings; the defaults run the shipped fleet on one machine."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    home: Annotated[Path, Field(description="where all state lives")] = Path("var")
    demo: Annotated[bool, Field(description="anonymous reading, on loopback only")] = False
    source: Literal["simulator", "modbus"] = "simulator"
    fleet: Path = HERE / "fleet.yaml"
    alarms: Path = HERE / "alarms.yaml"
    opcua: OpcUa = OpcUa()
    hmi: Hmi = Hmi()
    metrics: Metrics = Metrics()
    modbus: Modbus = Modbus()
    scan: Scan = Scan()
    historian: Historian = Historian()
    simulator: Simulator = Simulator()
    security: Security = Security()
    admin: Admin = Admin()
    log: Log = Log()
    maintenance: Maintenance = Maintenance()
    notify: Notify = Notify()
    rul: Rul = Rul()
    reports: Reports = Reports()
    nodeset: NodeSet = NodeSet()

    _file: YamlFile | None = PrivateAttr(None)

    @property
    def endpoint(self) -> str:
        """URL of the OPC UA endpoint."""
        return f"opc.tcp://{self.opcua.host}:{self.opcua.port}/voltkeep"

    def links(self, sites: Sequence[str]) -> tuple[Link, ...]:
        """The gateways of the fleet's sites; `ConfigurationError` where they do not fit the fleet."""
        faults = [
            self._fault(("modbus", "gateways", name), f"unknown site (known: {', '.join(sites)})")
            for name in self.modbus.gateways
            if name not in sites
        ]
        links = self.modbus.links(sites)
        holder: dict[tuple[str, int], str] = {}
        for site, link in zip(sites, links, strict=True):
            loc = ("modbus", "gateways", site, "port")
            if link.port > LAST_PORT:
                faults.append(self._fault(loc, f"the gateway of {site} would be at port {link.port}"))
            other = holder.setdefault((link.host, link.port), site)
            if other != site:
                faults.append(self._fault(loc, f"{link.host}:{link.port} is the gateway of {other}"))
        if faults:
            raise ConfigurationError("\n".join(faults))
        return links

    def check_reports(self, sites: Sequence[str], mail: bool) -> None:
        """`ConfigurationError` where scheduled reports do not fit the fleet, or there is no mail server."""
        faults, names = [], set()
        for i, schedule in enumerate(self.reports.schedules):
            loc: Loc = ("reports", "schedules", i)
            if schedule.name in names:
                faults.append(self._fault((*loc, "name"), f"another schedule is called '{schedule.name}'"))
            names.add(schedule.name)
            if schedule.site and schedule.site not in sites:
                unknown = f"unknown site '{schedule.site}' (known: {', '.join(sites)})"
                faults.append(self._fault((*loc, "site"), unknown))
            if schedule.mail and not mail:
                text = "there is no mail server: notify.file names the file whose section `mail` says which"
                faults.append(self._fault((*loc, "mail"), text))
        if faults:
            raise ConfigurationError("\n".join(faults))

    def _fault(self, loc: Loc, message: str) -> str:
        """A fault by line, when the settings came from a file."""
        if self._file is not None and loc[:2] in self._file.lines:
            return self._file.error(loc, message)
        return f"{'.'.join(map(str, loc))}: {message}"


def load_settings(path: Path | None = None, overrides: dict[str, Any] | None = None) -> Settings:
    """Settings from a file, the environment, and `overrides` on top.

    The file is `path`, else what VOLTKEEP_CONFIG names, else the one that is shipped.
    """
    file = load(path or Path(os.environ.get(CONFIG_VARIABLE) or HERE / "voltkeep.yaml"))
    if not isinstance(file.data, dict):
        raise ConfigurationError(f"{file.path}:1: must be a mapping of settings")

    class Configured(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=file.data)

    try:
        settings = Configured(**(overrides or {}))
    except ValidationError as error:
        raise ConfigurationError(_describe(file, error)) from None
    except SettingsError as error:
        raise ConfigurationError(f"{ENV_PREFIX}...: {error}; a list is written as JSON") from None
    settings._file = file
    if settings.demo and settings.opcua.host not in (LOOPBACK, "localhost", "::1"):
        raise ConfigurationError(
            f"demo: anonymous reading is for loopback only, and opcua.host is {settings.opcua.host}"
        )
    return settings


def _describe(file: YamlFile, error: ValidationError) -> str:
    """Faults by line where the key stands in the file, else by environment variable."""
    rows = []
    for fault in error.errors():
        loc = fault["loc"]
        message = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"]
        variable = f"{ENV_PREFIX}{'_'.join(map(str, loc)).upper()}"
        if loc in file.lines and variable not in os.environ:
            rows.append(file.error(loc, message))
        else:
            rows.append(f"{variable}: {message}")
    return "\n".join(rows)
