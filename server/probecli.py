"""`voltkeep probe`: what a device answers against a map, for commissioning; it never writes."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from config.settings import Link, Settings, load_settings
from server.console import out, tell_error
from server.errors import RequestError

if TYPE_CHECKING:
    from drivers.probe import Item, Report

MODBUS_PORT: Final = 502
NOT_IN_ORDER: Final = 1
NOT_REACHED: Final = 2
_WIDE: Final = 130  # characters of a table that no terminal bounds
_COLOURS: Final = {"ok": "green", "no data": "yellow", "out of range": "red", "not read": "red"}


class Framing(StrEnum):
    """How frames go over TCP."""

    TCP = "tcp"
    RTU = "rtu"


def probe(
    host: Annotated[str, typer.Argument(help="Name or address of the gateway or device.")],
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65_535, help="By default the site's, or 502.")
    ] = None,
    site: Annotated[str, typer.Option("--site", help="Site of the fleet that it is to be.")] = "",
    map_name: Annotated[str, typer.Option("--map", help="Register map: a shipped name or a file.")] = "",
    framer: Annotated[Framing | None, typer.Option("--framer", help="Frames of Modbus TCP or RTU.")] = None,
    unit: Annotated[int | None, typer.Option("--unit", min=0, max=255, help="Only this unit id.")] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.05, help="Seconds for an answer.")
    ] = None,
    faults: Annotated[bool, typer.Option("--faults", help="Show only what is not in order.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")] = None,
) -> None:
    """Show what a device answers against a register map; nothing is written to it.

    Ends with 0 when all is in order, 1 when something is not, 2 when the device is not reached.
    """
    settings = load_settings(config)
    report = asyncio.run(_report(settings, host, port, site, map_name, framer, unit, timeout))
    if as_json:
        sys.stdout.write(json.dumps(_as_json(report), indent=2, ensure_ascii=False) + "\n")
    else:
        _print(report, faults)
    if report.unreachable is not None or not report.heard:
        raise typer.Exit(NOT_REACHED)
    if not report.in_order:
        raise typer.Exit(NOT_IN_ORDER)


async def _report(
    settings: Settings,
    host: str,
    port: int | None,
    site: str,
    map_name: str,
    framer: Framing | None,
    unit: int | None,
    timeout: float | None,
) -> Report:
    from config.fleetfile import read_fleet_file
    from drivers.connection import Limits
    from drivers.mapfile import read_map
    from drivers.probe import Probe
    from nodeset.fleet import build_fleet
    from nodeset.index import TagIndex

    index = TagIndex(build_fleet(read_fleet_file(settings.fleet)))
    names = [each.name for each in index.fleet.sites]
    links = settings.links(names)
    number = _site(names, links, site, host, port)
    link = links[number]
    port = port or (link.port if link.host == host else MODBUS_PORT)
    link = replace(link, host=host, port=port, map=map_name or link.map)
    if framer is not None:
        link = replace(link, framer=framer.value)
    seconds = timeout or settings.modbus.timeout
    limits = Limits(min(seconds, settings.modbus.connect_timeout), seconds)
    return await Probe(index, read_map(link.map), number, link, limits).run(unit)


def _site(names: list[str], links: tuple[Link, ...], site: str, host: str, port: int | None) -> int:
    """The site that is named, else the one whose gateway it is, else the first one."""
    if site:
        if site not in names:
            raise RequestError(f"There is no site '{site}' in the fleet; its sites are {', '.join(names)}.")
        return names.index(site)
    where = [i for i, link in enumerate(links) if link.host == host and port in (None, link.port)]
    return where[0] if where else 0


def _print(report: Report, faults: bool) -> None:
    from rich.console import Console

    link = report.link
    out.print(f"{link.host}:{link.port}, {link.framer} frames, map {link.map}, as site {report.site}")
    if report.unreachable is not None:
        tell_error("The device is not reached.", report.unreachable)
        return
    for unit, text in sorted(report.devices.items()):
        out.print(f"Unit {unit}: {text}")
    for unit, named in sorted(report.identifications.items()):
        out.print(f"Unit {unit} says that it is {' '.join(named.values())}")
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDE)
    for reply in report.replies:
        region = reply.region
        if reply.problem is not None:
            where = f"unit {region.unit}, registers {region.address} to {region.address + region.count - 1}"
            out.print(f"{where}: {reply.problem}", style="red")
    hidden = ("ok", "not read") if faults else ("not read",)  # what was not read is told above
    shown = [item for item in report.items if item.verdict.value not in hidden]
    if shown:
        console.print(_table(shown))
    out.print(_summary(report))


def _table(items: list[Item]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in ("unit", "register", "raw", "value", "tag", "verdict"):
        table.add_column(name, justify="right" if name in ("unit", "register", "value") else "left")
    for item in items:
        raw = " ".join(f"{register:04X}" for register in item.registers)
        verdict = f"{item.verdict.value}: {item.remark}" if item.remark else item.verdict.value
        colour = _COLOURS[item.verdict.value]
        table.add_row(str(item.unit), str(item.address), raw, item.text, item.tag, Text(verdict, colour))
    return table


def _summary(report: Report) -> str:
    counts = {verdict: sum(item.verdict.value == verdict for item in report.items) for verdict in _COLOURS}
    trips = sorted(reply.trip for reply in report.replies if reply.registers is not None)
    values = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count or verdict == "ok")
    answered = f"{len(trips)} of {len(report.replies)} requests answered"
    if not trips:
        return f"{answered}; {values}."
    took = f"in {sum(trips) / len(trips):.1f} ms each, {trips[-1]:.1f} ms at most"
    return f"{answered} {took}; {values}."


def _as_json(report: Report) -> dict[str, Any]:
    return {
        **asdict(report.link),
        "site": report.site,
        "in_order": report.in_order,
        "unreachable": report.unreachable,
        "devices": report.devices,
        "identifications": report.identifications,
        "requests": [
            {
                "unit": reply.region.unit,
                "address": reply.region.address,
                "count": reply.region.count,
                "registers": reply.registers,
                "problem": reply.problem,
                "round_trip_ms": round(reply.trip, 2),
            }
            for reply in report.replies
        ],
        "values": [asdict(item) for item in report.items],
    }
