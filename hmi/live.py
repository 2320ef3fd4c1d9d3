"""The one shared, read-only session that feeds every browser; it reconnects by itself for ever.

Once a second all channels tell their changes, and every viewer the state of the connection: a server that
stays silent is said to be away within three seconds. Calls and acknowledgements are not made here: they
go through the user's own session.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asyncua import Client, ua

from hmi import events, management, simulations
from hmi.alarms import AlarmList
from hmi.channel import encode
from hmi.channels import FLEET_KEY, Channels
from hmi.endpoint import SILENT, Away, ConnectionFault, Endpoint, Identity, close
from hmi.simulations import Running
from hmi.subscription import subscribe_events
from hmi.timelimit import time_limit
from hmi.topology import FLEET

SERVICE_USER: Final = "hmi"
TICK: Final = 1.0  # s
PROBE_TIMEOUT: Final = 1.5  # s
PROBES_MISSED: Final = 3  # until the session is given up
RETRY: Final = 1.0  # s

log = logging.getLogger(__name__)


@dataclass
class State:
    """The connection to the server, as every page shows it."""

    up: bool = False
    since: float = 0.0  # of `up` [s since 1970]
    server_time: int = 0  # [µs since 1970]
    reason: str = "Connecting to the OPC UA server."
    simulations: tuple[Running, ...] = ()
    priorities: tuple[int, ...] = ()  # lowest severities of all but the lowest priority, the highest first


class Live:
    """The shared session, its state, and what it feeds: channels and the list of alarms."""

    def __init__(self, endpoint: Endpoint, secret: Path, demo: bool) -> None:
        self.state = State(since=time.time())
        self.alarms = AlarmList()
        self.channels = Channels(self.alarms)
        self._endpoint = endpoint
        self._secret = secret
        self._demo = demo
        self._refresh_asked = False

    async def run(self) -> None:
        """Keep a session for ever; returns only when cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            while True:
                try:
                    await self._session()
                except (ConnectionFault, OSError, TimeoutError, ua.UaError) as error:
                    self._mark(False, str(error) if isinstance(error, ConnectionFault) else SILENT)
                except Exception:
                    log.exception("the shared session ended")
                    self._mark(False, SILENT)
                await asyncio.sleep(RETRY)

    def status(self) -> str:
        """The state message that every viewer gets each second."""
        active, unacknowledged, severity = self.alarms.counts()
        return encode(
            {
                "k": "state",
                "up": self.state.up,
                "since": round(self.state.since * 1000),
                "server": self.state.server_time // 1000,
                "zone": self.channels.zones().get(FLEET, ""),
                "newest": self.channels.newest(FLEET_KEY) // 1000,
                "reason": self.state.reason,
                "active": active,
                "unacknowledged": unacknowledged,
                "severity": severity,
                "priorities": self.state.priorities or None,
                "simulated": self.channels.simulated(),
                "simulations": [
                    [each.scenario, each.target, each.since, each.until] for each in self.state.simulations
                ],
            }
        )

    async def _session(self) -> None:
        """One session from its opening to its loss."""
        client = await self._endpoint.open(self._identity(), watchdog=60.0)
        try:
            await self.channels.attach(client)
            await self._learn_priorities(client)
            subscription = await self._subscribe_alarms(client)
            await self._probe(client, subscription)
        finally:
            self.channels.detach()
            await close(client)

    async def _learn_priorities(self, client: Client) -> None:
        """Where each priority begins; another server than ours has none to tell."""
        _, topology = self.channels.connection()
        try:
            found = await management.priorities(client, topology)
        except ua.UaStatusCodeError:
            return
        self.state.priorities = tuple(sorted((each["severity"] for each in found[1:]), reverse=True))

    def _identity(self) -> Identity:
        """The service account that the server made for the HMI; a demo also reads anonymously."""
        try:
            return Identity(SERVICE_USER, self._secret.read_text().strip())
        except OSError:
            if self._demo:
                return Identity()
            raise Away(f"Waiting for the server to write {self._secret}.") from None

    async def _subscribe_alarms(self, client: Client) -> int:
        def receive(fields: list[ua.Variant]) -> None:
            if events.take(self.alarms, fields):
                self._refresh_asked = True

        subscription = await subscribe_events(client, events.event_filter(), receive)
        self._refresh_asked = True
        return subscription

    async def _probe(self, client: Client, alarms: int) -> None:
        """Ask the time each second; returns when the server has missed too often."""
        missed = 0
        while missed < PROBES_MISSED:
            try:
                async with time_limit(PROBE_TIMEOUT):
                    now, self.state.simulations = await simulations.read(client, self.channels.topology)
            except TimeoutError:
                missed += 1
                self._mark(False, SILENT)
                continue
            missed = 0
            self.state.server_time = now
            self._mark(True, "")
            await self._keep_house(client, alarms)
            await asyncio.sleep(TICK)
        raise Away(SILENT)

    async def _keep_house(self, client: Client, alarms: int) -> None:
        await self.channels.drop_idle()
        if self._refresh_asked:
            self._refresh_asked = False
            try:
                await events.refresh(client, alarms)
            except ua.UaStatusCodeError as error:
                log.warning("the server did not refresh its conditions: %s", error)

    def _mark(self, up: bool, reason: str) -> None:
        changed = up != self.state.up
        self.state.up, self.state.reason = up, reason
        if changed:
            self.state.since = time.time()
            log.info("the OPC UA server is %s", "connected" if up else "away")
            self.channels.announce(self.status())

    async def _tell(self) -> None:
        """Also when nothing changed: a sign of life."""
        while True:
            await asyncio.sleep(TICK)
            self.channels.tick()
            self.channels.announce(self.status())
