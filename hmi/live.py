"""The one shared, read-only session that feeds every browser; it reconnects by itself for ever.

`Live.channel` gives the stream of a part of the fleet: `fleet`, `site/<path>`, `jar/<path>` or
`alarms/<path>`. Its values are subscribed when somebody looks and let go a while after the last viewer
left. Once a second all channels tell their changes, and every viewer the state of the connection: a
server that stays silent is said to be away within three seconds, and its last values become bad.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asyncua import Client, ua

from hmi import events
from hmi.alarms import AlarmList, AlarmView
from hmi.channel import Channel, encode
from hmi.display import complete, declarers, fleet_layout, jar_layout, site_layout
from hmi.endpoint import Away, ConnectionFault, Endpoint, Identity, close
from hmi.image import Image, Layout
from hmi.subscription import microseconds, subscribe_events, subscribe_values, unsubscribe
from hmi.topology import Topology, discover

SERVICE_USER: Final = "hmi"
TICK: Final = 1.0  # s
PROBE_TIMEOUT: Final = 1.5  # s
PROBES_MISSED: Final = 3  # until the session is given up
RETRY: Final = 1.0  # s
LINGER: Final = 30.0  # s that a channel outlives its last viewer

log = logging.getLogger(__name__)


class NotFound(Exception):
    """The fleet has no such part."""


@dataclass
class State:
    """The connection to the server, as every page shows it."""

    up: bool = False
    since: float = 0.0  # of `up` [s since 1970]
    server_time: int = 0  # [µs since 1970]
    reason: str = "Connecting to the OPC UA server."


class Live:
    """The shared session and the channels that it feeds."""

    def __init__(self, endpoint: Endpoint, secret: Path, demo: bool) -> None:
        self.endpoint = endpoint
        self.state = State(since=time.time())
        self.alarms = AlarmList()
        self.topology: Topology | None = None
        self.client: Client | None = None
        self._secret = secret
        self._demo = demo
        self._channels: dict[str, Channel] = {}
        self._subscriptions: dict[str, int] = {}
        self._opening = asyncio.Lock()
        self._refresh_asked = False

    async def run(self) -> None:
        """Keep a session for ever; returns only when cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            while True:
                try:
                    await self._session()
                except (ConnectionFault, OSError, TimeoutError, ua.UaError) as error:
                    self._lost(str(error) if isinstance(error, ConnectionFault) else "")
                except Exception:
                    log.exception("the shared session ended")
                    self._lost("")
                await asyncio.sleep(RETRY)

    async def channel(self, key: str) -> Channel:
        """The stream of a part of the fleet; `NotFound`, or `Away` while there is no server."""
        channel = self._channels.get(key)
        if channel is None:
            async with self._opening:
                channel = self._channels.get(key) or await self._open(key)
        return channel

    def connection(self) -> tuple[Client, Topology]:
        """The shared session for a single question; `Away` while there is none."""
        if self.client is None or self.topology is None:
            raise Away(self.state.reason)
        return self.client, self.topology

    def newest(self, key: str) -> int:
        """Newest source time of a channel's values [µs]; 0 where there is none."""
        channel = self._channels.get(key)
        return channel.shown.newest if channel and isinstance(channel.shown, Image) else 0

    def counts(self) -> dict[str, int]:
        """Channels and viewers, for the metrics."""
        viewers = {viewer for channel in self._channels.values() for viewer in channel.viewers}
        return {"channels": len(self._channels), "viewers": len(viewers)}

    def status(self) -> str:
        """The state message that every viewer gets each second."""
        active, unacknowledged, severity = self.alarms.counts()
        return encode(
            {
                "k": "state",
                "up": self.state.up,
                "since": round(self.state.since * 1000),
                "server": self.state.server_time // 1000,
                "newest": self.newest("fleet") // 1000,
                "reason": self.state.reason,
                "active": active,
                "unacknowledged": unacknowledged,
                "severity": severity,
            }
        )

    async def _session(self) -> None:
        """One session from its opening to its loss."""
        client = await self.endpoint.open(self._identity(), watchdog=60.0)
        try:
            topology = await discover(client)
            if topology != self.topology:
                self._restart_viewers()
            self.topology, self.client = topology, client
            await self._refresh_alarms(client)
            for key, channel in list(self._channels.items()):
                await self._feed(client, key, channel)
            await self.channel("fleet")
            await self._probe(client)
        finally:
            self.client = None
            self._subscriptions.clear()
            await close(client)

    def _identity(self) -> Identity:
        """The service account that the server made for the HMI; a demo also reads anonymously."""
        try:
            return Identity(SERVICE_USER, self._secret.read_text().strip())
        except OSError:
            if self._demo:
                return Identity()
            raise Away(f"Waiting for the server to write {self._secret}.") from None

    async def _refresh_alarms(self, client: Client) -> None:
        def receive(fields: list[ua.Variant]) -> None:
            if events.take(self.alarms, fields):
                self._refresh_asked = True

        subscription = await subscribe_events(client, events.event_filter(), receive)
        self._subscriptions["alarms"] = subscription
        try:
            await events.refresh(client, subscription)
        except ua.UaStatusCodeError as error:
            log.warning("the server did not refresh its conditions: %s", error)

    async def _probe(self, client: Client) -> None:
        """Ask the time each second; returns when the server has missed too often."""
        missed = 0
        node = client.get_node(ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime))
        while missed < PROBES_MISSED:
            try:
                async with asyncio.timeout(PROBE_TIMEOUT):
                    now = await node.read_value()
            except TimeoutError:
                missed += 1
                self._mark(False, "The OPC UA server does not answer.")
                continue
            missed = 0
            self.state.server_time = microseconds(now)
            self._mark(True, "")
            await self._drop_idle(client)
            if self._refresh_asked:
                self._refresh_asked = False
                await events.refresh(client, self._subscriptions["alarms"])
            await asyncio.sleep(TICK)
        raise Away("The OPC UA server does not answer.")

    def _mark(self, up: bool, reason: str) -> None:
        changed = up != self.state.up
        self.state.up, self.state.reason = up, reason
        if changed:
            self.state.since = time.time()
            log.info("the OPC UA server is %s", "connected" if up else "away")
            self._announce()

    def _lost(self, reason: str) -> None:
        """The session is gone: what was live is so no longer."""
        self._mark(False, reason or "The OPC UA server does not answer.")
        for channel in self._channels.values():
            if isinstance(channel.shown, Image):
                channel.shown.lose()

    async def _open(self, key: str) -> Channel:
        client, topology = self.connection()
        kind, _, path = key.partition("/")
        if kind == "alarms":
            if path and path not in topology.by_path:
                raise NotFound(path)
            channel = Channel(key, self.alarms.view(path))
        else:
            layout = self._layout(topology, kind, path)
            layout = complete(layout, await declared(client, topology, layout))
            channel = Channel(key, Image(layout))
        channel.left = time.monotonic()
        await self._feed(client, key, channel)
        self._channels[key] = channel
        return channel

    @staticmethod
    def _layout(topology: Topology, kind: str, path: str) -> Layout:
        if kind == "fleet":
            return fleet_layout(topology)
        asset = topology.by_path.get(path)
        if asset is not None and kind == "site" and "/" not in path:
            return site_layout(asset)
        if asset is not None and kind == "jar" and path.count("/") == 3:
            return jar_layout(asset)
        raise NotFound(path)

    async def _feed(self, client: Client, key: str, channel: Channel) -> None:
        if isinstance(channel.shown, Image) and self.topology is not None:
            self._subscriptions[key] = await subscribe_values(client, self.topology, channel.shown)

    async def _drop_idle(self, client: Client) -> None:
        """Let go of channels that nobody has looked at for a while; the fleet's stays."""
        now = time.monotonic()
        for key, channel in list(self._channels.items()):
            if channel.viewers or key == "fleet" or now - channel.left < LINGER:
                continue
            del self._channels[key]
            if isinstance(channel.shown, AlarmView):
                self.alarms.drop(channel.shown)
            elif key in self._subscriptions:
                await unsubscribe(client, self._subscriptions.pop(key))

    def _restart_viewers(self) -> None:
        """Another fleet than before: browsers start again from its snapshot."""
        for key, channel in list(self._channels.items()):
            for viewer in channel.viewers:
                viewer.restart()
            if isinstance(channel.shown, Image):
                del self._channels[key]

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            for channel in list(self._channels.values()):
                channel.tick()
            self._announce()

    def _announce(self) -> None:
        """Tell every viewer the state of the connection; also when nothing changed: a sign of life."""
        message = self.status()
        for viewer in {viewer for channel in self._channels.values() for viewer in channel.viewers}:
            viewer.send(message)


async def declared(
    client: Client, topology: Topology, layout: Layout
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Unit and names of states of a layout's columns, as properties of their variables (Part 8, 5.3)."""
    names = declarers(layout)
    nodes = [topology.node(f"{n}.{p}") for n in names for p in ("EngineeringUnits", "EnumStrings")]
    values = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    found = {}
    for name, unit, states in zip(names, values[::2], values[1::2], strict=True):
        found[name] = (_display_name(unit), tuple(text.Text or "" for text in _value(states) or ()))
    return found


def _display_name(unit: ua.DataValue) -> str:
    information = _value(unit)
    return (information.DisplayName.Text or "") if information is not None else ""


def _value(data: ua.DataValue) -> Any:
    with contextlib.suppress(AttributeError):
        return data.Value.Value
    return None
