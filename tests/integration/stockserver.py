"""A stock asyncua server in a process of its own: `python stockserver.py PORT FOLDER`.

Its memory is bounded, and it ends when its standard input is closed. `holetargets` names what it offers.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import resource
import sys
from pathlib import Path

from asyncua import Server, ua, uamethod

MEMORY = 3 << 30
BLOB = 1_000_000


async def main(port: int, folder: Path) -> None:
    """Serve until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable(logging.CRITICAL)
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    await server.load_certificate(folder / "own.der")
    await server.load_private_key(folder / "own.key.pem")
    server.set_security_policy(
        [ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
    )
    ns = await server.register_namespace("urn:test:stock")
    await _populate(server, ns)
    async with server:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _populate(server: Server, ns: int) -> None:
    objects = server.nodes.objects
    site = await objects.add_object(ua.NodeId("Site", ns), f"{ns}:Site")
    jar = await site.add_object(ua.NodeId("Jar", ns), f"{ns}:Jar")
    double = ua.VariantType.Double
    number = await jar.add_variable(ua.NodeId("Number", ns), f"{ns}:Number", 4.0, double)
    await number.set_writable()
    start = ua.Variant(4.0, double)
    await number.write_value(ua.DataValue(start, SourceTimestamp=dt.datetime.now(dt.UTC)))
    await number.add_property(ua.NodeId("Number.EURange", ns), "EURange", ua.Range(0, 20))
    await server.historize_node_data_change(number)
    others = ua.NodeId("Other", ns)
    await (await jar.add_variable(others, f"{ns}:Other", 1.0, double)).set_writable()
    await jar.add_variable(ua.NodeId("Array", ns), f"{ns}:Array", [1, 2, 3, 4], ua.VariantType.UInt32)
    await jar.add_variable(ua.NodeId("Blob", ns), f"{ns}:Blob", bytes(BLOB), ua.VariantType.ByteString)
    closed = await jar.add_variable(ua.NodeId("Closed", ns), f"{ns}:Closed", 1.0, double)
    for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
        await closed.write_attribute(attribute, ua.DataValue(ua.Variant(0, ua.VariantType.Byte)))
    await _add_methods(server, jar, site, ns)


async def _add_methods(server: Server, jar: ua.Node, site: ua.Node, ns: int) -> None:
    generators = [
        await server.get_event_generator(ua.ObjectIds.SystemEventType, emitting_node=node)
        for node in (server.nodes.server, jar)
    ]

    @uamethod
    async def fire(_parent: ua.NodeId) -> None:
        for generator in generators:
            await generator.trigger(message="fired")

    @uamethod
    def double(_parent: ua.NodeId, value: float) -> float:
        return value * 2

    await jar.add_method(ua.NodeId("Fire", ns), f"{ns}:Fire", fire, [], [])
    types = [ua.VariantType.Double]
    await jar.add_method(ua.NodeId("Double", ns), f"{ns}:Double", double, types, types)
    idle = await jar.add_method(ua.NodeId("Idle", ns), f"{ns}:Idle", fire, [], [])
    for attribute in (ua.AttributeIds.Executable, ua.AttributeIds.UserExecutable):
        await idle.write_attribute(attribute, ua.DataValue(ua.Variant(False, ua.VariantType.Boolean)))
    for node in (site, jar):
        await node.set_event_notifier([ua.EventNotifier.SubscribeToEvents])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
