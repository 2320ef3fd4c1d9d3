"""`voltkeep simulator` and `voltkeep gateway-sim`: the simulated fleet behind Modbus gateways, one a site."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import typer

from config.settings import CONFIG_VARIABLE, LOOPBACK, Link, Modbus, Settings, load_settings
from server import logs
from server.console import out
from server.errors import RequestError, StartError
from server.probecli import Framing

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")]
Home = Annotated[Path | None, typer.Option("--home", help="Directory that holds all state.")]


def simulator(config: Config = None, home: Home = None) -> None:
    """Serve the simulated plant over Modbus TCP, one gateway a site, as the settings have it."""
    _run(_settings(config, home, {}), None, (), ())


def gateway_sim(
    sites: Annotated[str, typer.Option("--sites", help="Only these, separated by commas.")] = "",
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65_535, help="Of the first site; then one up each.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = LOOPBACK,
    map_name: Annotated[str, typer.Option("--map", help="Register map: a shipped name or a file.")] = "",
    framer: Annotated[Framing | None, typer.Option("--framer", help="Frames of Modbus TCP or RTU.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="By default simulator.seed.")] = None,
    speed: Annotated[
        float | None, typer.Option("--speed", min=1, max=100_000, help="Simulated seconds a second.")
    ] = None,
    mute: Annotated[
        str, typer.Option("--mute", help="Sites whose gateways accept connections and never answer.")
    ] = "",
    config: Config = None,
    home: Home = None,
) -> None:
    """Serve the simulated fleet over Modbus, with any map and framing: to try a master, a map, or a fault."""
    given = {"seed": seed, "speed": speed}
    settings = _settings(config, home, {k: v for k, v in given.items() if v is not None})
    names = _site_names(settings)
    chosen, silent = _chosen(sites, names), _chosen(mute, names)
    served = [name for name in names if name in chosen or name in silent or not chosen]
    modbus = Modbus(
        host=host,
        port=port or settings.modbus.port,
        map=map_name or settings.modbus.map,
        framer=framer.value if framer else settings.modbus.framer,
    )
    at = dict(zip(served, modbus.links(served), strict=True))
    for name, link in at.items():
        out.print(f"{name}: {link.host}:{link.port}{' (mute)' if name in silent else ''}")
    _run(settings, [at.get(name, at[served[0]]) for name in names], served, silent)


def _run(
    settings: Settings, links: Sequence[Link] | None, sites: Collection[str], mute: Collection[str]
) -> None:
    try:
        asyncio.run(_serve(settings, links, sites, mute))
    except OSError as error:
        raise StartError(f"The Modbus gateways cannot be served: {error.strerror}") from None


async def _serve(
    settings: Settings, links: Sequence[Link] | None, sites: Collection[str], mute: Collection[str]
) -> None:
    from server.run import stop_on_signals
    from simulator.gateway import serve

    stop = asyncio.create_task(stop_on_signals().wait())
    serving = asyncio.create_task(serve(settings, links, sites, mute))
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _settings(config: Path | None, home: Path | None, simulated: dict[str, float]) -> Settings:
    for variable, value in ((CONFIG_VARIABLE, config), ("VOLTKEEP_HOME", home)):
        if value is not None:
            os.environ[variable] = str(value)
    settings = load_settings(overrides={"simulator": simulated} if simulated else None)
    logs.configure(settings.log)
    return settings


def _site_names(settings: Settings) -> list[str]:
    from config.fleetfile import read_fleet_file

    return list(read_fleet_file(settings.fleet).sites)


def _chosen(text: str, names: list[str]) -> list[str]:
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise RequestError(f"There is no site '{unknown[0]}' in the fleet; its sites are {', '.join(names)}.")
    return chosen
