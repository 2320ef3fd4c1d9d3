"""All channels of the HMI: opened when somebody looks, fed by the shared session, let go a while after.

A channel is `fleet`, `lives`, `connections`, `site/<path>`, `jar/<path>`, `alarms/<path>` or `heat/<tag>`,
which is a tag of all jars. While there is no session, values stay to be seen but none of them is good; a new
session feeds the same channels again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from asyncua import Client, ua

from hmi.alarms import AlarmList, AlarmView
from hmi.channel import Channel, Viewer
from hmi.display import (
    JAR,
    complete,
    connections_layout,
    declarers,
    fleet_layout,
    heat_layout,
    jar_layout,
    lives_layout,
    site_layout,
)
from hmi.endpoint import Away
from hmi.image import Image, Layout
from hmi.simulations import SIMULATED_VALUE
from hmi.subscription import read_values, subscribe_values, unsubscribe
from hmi.topology import Topology, discover

FLEET_KEY: Final = "fleet"
LINGER: Final = 30.0  # s that a channel outlives its last viewer

log = logging.getLogger(__name__)


class NotFound(Exception):
    """The fleet has no such part."""


class Channels:
    """The channels by key, and the session that feeds them."""

    def __init__(self, alarms: AlarmList) -> None:
        self._alarms = alarms
        self._client: Client | None = None
        self._topology: Topology | None = None
        self._channels: dict[str, Channel] = {}
        self._followed: dict[str, asyncio.Task[int]] = {}  # gives the subscription's id
        self._opening: dict[str, asyncio.Lock] = {}

    async def get(self, key: str) -> Channel:
        """The channel of a part of the fleet; `NotFound`, or `Away` while there is no server."""
        channel = self._channels.get(key)
        if channel is None:
            # All who ask for one wait for the same; who asks for another does not wait for them.
            lock = self._opening.setdefault(key, asyncio.Lock())
            try:
                async with lock:
                    channel = self._channels.get(key) or await self._open(key)
            finally:
                self._opening.pop(key, None)
        return channel

    def connection(self) -> tuple[Client, Topology]:
        """The shared session for a single question; `Away` while there is none."""
        if self._client is None or self._topology is None:
            raise Away("The OPC UA server does not answer.")
        return self._client, self._topology

    async def attach(self, client: Client) -> None:
        """Feed all channels from a new session; the fleet's is always there."""
        topology = await discover(client)
        if topology != self._topology:
            self._start_again()
        self._topology, self._client = topology, client
        for key, channel in list(self._channels.items()):
            await self._feed(client, topology, key, channel)
        await self.get(FLEET_KEY)

    def detach(self) -> None:
        """The session is gone: what was live is so no longer."""
        self._client = None
        for task in self._followed.values():
            task.cancel()
        self._followed.clear()
        for channel in self._channels.values():
            if isinstance(channel.shown, Image):
                channel.shown.lose()

    async def drop_idle(self) -> None:
        """Let go of channels that nobody has looked at for a while; the fleet's stays."""
        self._drop_unfollowed()
        now = time.monotonic()
        for key, channel in list(self._channels.items()):
            if channel.viewers or key == FLEET_KEY or now - channel.left < LINGER:
                continue
            del self._channels[key]
            if isinstance(channel.shown, AlarmView):
                self._alarms.drop(channel.shown)
            elif key in self._followed and self._client is not None:
                await unsubscribe(self._client, await self._followed.pop(key))

    def _drop_unfollowed(self) -> None:
        """What could not be subscribed would look live for ever: who looks at it starts again.

        Raises why it was not, where that was the fleet's own channel: nothing is live then.
        """
        for key, task in list(self._followed.items()):
            fault = task.exception() if task.done() else None
            if fault is None:
                continue
            if key == FLEET_KEY:
                raise fault
            log.warning("%s could not be subscribed: %s", key, str(fault) or type(fault).__name__)
            del self._followed[key]
            for viewer in self._channels.pop(key).viewers:
                viewer.restart()

    def tick(self) -> None:
        """Every channel tells its changes."""
        for channel in list(self._channels.values()):
            channel.tick()

    def announce(self, message: str) -> None:
        """Tell every viewer."""
        for viewer in self._viewers():
            viewer.send(message)

    @property
    def topology(self) -> Topology | None:
        """The fleet as the session found it."""
        return self._topology

    def zones(self) -> Mapping[str, str]:
        """Time zones of the fleet and its sites; empty until a server has told them."""
        return self._topology.zones if self._topology is not None else {}

    def simulated(self) -> bool:
        """Whether the fleet's own totals hold simulated values: with real devices they never do."""
        channel = self._channels.get(FLEET_KEY)
        image = channel.shown if channel is not None else None
        return isinstance(image, Image) and SIMULATED_VALUE in image.status

    def newest(self, key: str) -> int:
        """Newest source time of a channel's values [µs]; 0 where there is none."""
        channel = self._channels.get(key)
        return channel.shown.newest if channel and isinstance(channel.shown, Image) else 0

    def counts(self) -> dict[str, int]:
        """Channels and viewers, for the metrics."""
        return {"channels": len(self._channels), "viewers": len(self._viewers())}

    def _viewers(self) -> set[Viewer]:
        return {viewer for channel in self._channels.values() for viewer in channel.viewers}

    async def _open(self, key: str) -> Channel:
        client, topology = self.connection()
        kind, _, path = key.partition("/")
        if kind == "alarms":
            if path and path not in topology.by_path:
                raise NotFound(path)
            channel = Channel(key, self._alarms.view(path))
        else:
            layout = _layout(topology, kind, path)
            channel = Channel(key, Image(complete(layout, await _declared(client, topology, layout))))
        channel.left = time.monotonic()
        await self._feed(client, topology, key, channel)
        self._channels[key] = channel
        return channel

    async def _feed(self, client: Client, topology: Topology, key: str, channel: Channel) -> None:
        """Take what is there, which takes half the time, and follow it from then on."""
        if isinstance(channel.shown, Image):
            await read_values(client, topology, channel.shown)
            task = asyncio.create_task(subscribe_values(client, topology, channel.shown))
            task.add_done_callback(_seen)
            self._followed[key] = task

    def _start_again(self) -> None:
        """Another fleet than before: browsers start again from its snapshot."""
        for viewer in self._viewers():
            viewer.restart()
        for key, channel in list(self._channels.items()):
            if isinstance(channel.shown, Image):
                del self._channels[key]


def _seen(task: asyncio.Task[int]) -> None:
    """A lost session ends what was about to use it, which is no news."""
    if not task.cancelled():
        task.exception()


def _layout(topology: Topology, kind: str, path: str) -> Layout:
    if kind == FLEET_KEY and not path:
        return fleet_layout(topology)
    if kind == "lives" and not path:
        return lives_layout(topology)
    if kind == "connections" and not path:
        return connections_layout(topology)
    if kind == "heat" and path in {column.tag for column in JAR}:
        return heat_layout(topology, path)
    asset = topology.by_path.get(path)
    if asset is not None and kind == "site" and "/" not in path:
        return site_layout(asset)
    if asset is not None and kind == "jar" and path.count("/") == 3:
        return jar_layout(asset)
    raise NotFound(path)


async def _declared(
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
