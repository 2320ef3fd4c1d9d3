"""Simulations of a running program, started and stopped by its administrator over OPC UA."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlparse

from asyncua import Client, ua
from program import Voltkeep

from config.settings import load_settings
from server.userclient import connected

VT = ua.VariantType
NAMESPACE = "urn:voltkeep:fleet"


def start(program: Voltkeep, scenario: str, target: str, **parameters: float) -> str:
    """Start a scenario until it is stopped; its id."""
    arguments = (
        ua.Variant(scenario, VT.String),
        ua.Variant(target, VT.String),
        ua.Variant(0.0, VT.Double),
        ua.Variant(list(parameters), VT.String, is_array=True),
        ua.Variant(list(parameters.values()), VT.Double, is_array=True),
    )
    return str(_run(program, "Start", *arguments))


def stop(program: Voltkeep, simulation: str) -> None:
    """Stop it."""
    _run(program, "Stop", ua.Variant(simulation, VT.String))


def _run(program: Voltkeep, method: str, *arguments: ua.Variant) -> Any:
    """In a thread of its own: Playwright keeps a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_call(program, method, *arguments))).result(30)


async def _call(program: Voltkeep, method: str, *arguments: ua.Variant) -> Any:
    port = urlparse(program.endpoint).port
    settings = load_settings(overrides={"home": program.home, "opcua": {"port": port}})
    async with connected(settings, "admin", program.admin_password) as users:
        client: Client = users._client
        namespace = await client.get_namespace_index(NAMESPACE)
        simulation = client.get_node(ua.NodeId("Simulation", namespace))
        return await simulation.call_method(ua.NodeId(f"Simulation.{method}", namespace), *arguments)
