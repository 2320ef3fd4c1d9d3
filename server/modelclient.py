"""Models for the command line: over a session of the running server, or on the home of a stopped one.

What is refused is a `RequestError`, in words.
"""

from __future__ import annotations

import asyncio
import getpass
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg
from asyncua import Client, ua

from analytics.model import RulModel
from analytics.modelfile import ArtefactError
from config.settings import Settings
from historian.audit import AUDIT_EVENT_TYPE, AuditRow, append
from historian.connections import Connections
from historian.database import Database
from historian.errors import HistorianError
from historian.migrate import migrate
from historian.models import Models
from nodeset.types import FLEET_URI
from server.errors import RequestError
from server.learning.artefacts import FOLDER, Artefacts, read_file
from server.learning.examination import examine
from server.learning.registry import Registry, RegistryError
from server.protocol.wire import now_us
from server.userclient import logged_in

VT = ua.VariantType
PATIENCE: Final = 150.0  # s that the gates may take
_SAID: Final = {
    "BadNotFound": "There is no such model: `voltkeep publish --list` names them.",
    "BadInvalidArgument": "There is no such model: `voltkeep publish --list` names them.",
    "BadUserAccessDenied": "Only engineers may do that. A one-time password must be changed first.",
    "BadInvalidState": "The state of the models does not allow it: `voltkeep publish --list` shows it.",
    "BadResourceUnavailable": "The artefact is damaged, or the server's database is away.",
    "BadMethodInvalid": "The server has no models: it is older than this command.",
}


@dataclass(frozen=True)
class Listed:
    """A model as it is told; `error` is its mean error on test data [d], NaN where it is unknown."""

    version: str
    state: str
    approved_by: str
    findings: str
    usable: bool
    error: float


class ModelsOf(Protocol):
    """What can be done with the models of a server."""

    async def all(self) -> list[Listed]:
        """All models, the oldest first."""

    async def publish(self, version: str, comment: str) -> str:
        """Publish; what was published before."""

    async def roll_back(self, comment: str) -> str:
        """Publish what was published before; which that is."""

    async def shadow(self, version: str) -> str:
        """Have a candidate, or none, predict in the shadow; the one before."""

    async def retire(self, version: str, comment: str) -> None:
        """Set a model aside."""


class RunningModels:
    """The models of a running server."""

    def __init__(self, client: Client, namespace: int) -> None:
        self._client = client
        self._namespace = namespace

    async def all(self) -> list[Listed]:
        """All models, the oldest first."""
        found = await self._call("ListModels")
        errors = {version: value for version, name, value in zip(*found[11:], strict=True) if name == "mae"}
        columns = (found[0], found[1], found[6], found[9], found[10])
        rows = zip(*columns, strict=True)
        return [Listed(*row, error=errors.get(row[0], float("nan"))) for row in rows]

    async def publish(self, version: str, comment: str) -> str:
        """Publish; what was published before."""
        try:
            (previous,) = await self._call("PublishModel", version, comment)
        except RequestError:
            known = {each.version: each for each in await self.all()}
            found = known.get(version)
            if found is None or found.findings in ("", "passed"):
                raise
            raise RequestError(f"{version} is not published: {found.findings}") from None
        return str(previous)

    async def roll_back(self, comment: str) -> str:
        """Publish what was published before; which that is."""
        (version,) = await self._call("RollbackModel", comment)
        return str(version)

    async def shadow(self, version: str) -> str:
        """Have a candidate, or none, predict in the shadow; the one before."""
        (previous,) = await self._call("SetShadow", version)
        return str(previous)

    async def retire(self, version: str, comment: str) -> None:
        """Set a model aside."""
        await self._call("RetireModel", version, comment)

    async def _call(self, name: str, *texts: str) -> list[Any]:
        analytics, method = (
            self._client.get_node(ua.NodeId(each, self._namespace))
            for each in ("Analytics", f"Analytics.{name}")
        )
        try:
            found = await analytics.call_method(method, *(ua.Variant(text, VT.String) for text in texts))
        except ua.UaStatusCodeError as error:
            code = ua.StatusCode(error.code).name
            raise RequestError(_SAID.get(code, f"The server refused: {code}.")) from None
        return list(found) if isinstance(found, list) else [] if found is None else [found]


class StoppedModels:
    """The models of a home whose server is stopped; each step leaves a row in the audit trail."""

    def __init__(self, registry: Registry, database: Database) -> None:
        self._registry = registry
        self._database = database
        self._user = getpass.getuser()

    async def all(self) -> list[Listed]:
        """All models, the oldest first."""
        return [
            Listed(
                entry.model.version,
                entry.model.state,
                entry.model.approved_by or "",
                entry.model.findings,
                entry.usable,
                entry.model.metrics.get("mae", float("nan")),
            )
            for entry in await self._registry.entries()
        ]

    async def publish(self, version: str, comment: str) -> str:
        """Publish; what was published before."""
        previous = await self._registry.publish(version, self._user, comment)
        await self._note("publish model", previous, f"{version} {comment}")
        return previous

    async def roll_back(self, comment: str) -> str:
        """Publish what was published before; which that is."""
        version, previous = await self._registry.roll_back(self._user, comment)
        await self._note("roll back model", previous, f"{version} {comment}")
        return version

    async def shadow(self, version: str) -> str:
        """Have a candidate, or none, predict in the shadow; the one before."""
        previous = await self._registry.set_shadow(version, self._user)
        await self._note("set shadow model", previous, version)
        return previous

    async def retire(self, version: str, comment: str) -> None:
        """Set a model aside."""
        state = await self._registry.retire(version, self._user, comment)
        await self._note("retire model", state, f"{version} {comment}")

    async def _note(self, action: str, old: str, new: str) -> None:
        row = AuditRow(now_us(), AUDIT_EVENT_TYPE, action, self._user, "command", old=old, new=new.strip())
        async with await self._database.connect() as connection:
            await append(connection, [row])


def add_file(settings: Settings, file: Path) -> str:
    """Put an artefact among those of home; its version. The server finds it there."""
    try:
        content = read_file(file)
        version = RulModel.from_bytes(content).version
        Artefacts(settings.home / FOLDER).put(version, content)
    except OSError as error:
        raise RequestError(f"{file}: {error.strerror}") from None
    except ArtefactError as error:
        raise RequestError(f"{file}: {error}") from None
    return version


def runs(settings: Settings) -> bool:
    """Whether a server listens where that of these settings would."""
    try:
        socket.create_connection((settings.opcua.host, settings.opcua.port), 2).close()
    except OSError:
        return False
    return True


@asynccontextmanager
async def running(settings: Settings, user: str, password: str) -> AsyncIterator[RunningModels]:
    """The models of the running server."""
    async with logged_in(settings, user, password, "voltkeep publish", PATIENCE) as client:
        yield RunningModels(client, await client.get_namespace_index(FLEET_URI))


@asynccontextmanager
async def stopped(settings: Settings) -> AsyncIterator[StoppedModels]:
    """The models of a home whose server is stopped."""
    url = settings.historian.url
    if url is None and not (settings.home / "postgres" / "PG_VERSION").exists():
        raise RequestError(f"There are no models in {settings.home.resolve()}: no server has run there yet.")
    database = Database(None if url is None else url.get_secret_value(), settings.home, lambda _text: None)
    connections = Connections(database.connect)
    try:
        await database.start()
        await asyncio.to_thread(migrate, database.conninfo)
        registry = Registry(Models(connections), settings.home, examine, now_us, settings.rul.worse)
        yield StoppedModels(registry, database)
    except RegistryError as error:
        raise RequestError(str(error)) from None
    except (HistorianError, psycopg.Error) as error:
        raise RequestError(f"{database.name} cannot be used: {str(error).strip()}") from None
    finally:
        await connections.close()
        await database.stop()
