"""The program `voltkeep`: its commands (I1)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from config.settings import CONFIG_VARIABLE, Settings, load_settings
from config.yamlfile import ConfigurationError
from server import logs, memory, trustcommands
from server.backupcli import backup, restore
from server.console import out, tell_error
from server.errors import RequestError, StartError
from server.evaluatecli import evaluate
from server.exportcli import export
from server.gatewaycli import gateway_sim, simulator
from server.historiancli import program as historian
from server.identifycli import identify
from server.modelcli import publish
from server.probecli import probe
from server.reportcli import report
from server.simulatecli import simulate
from server.traincli import train
from server.usercli import users

program = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="OPC UA server for fleets of stationary batteries.",
)
program.add_typer(trustcommands.program, name="trust")

program.add_typer(users, name="user")
program.add_typer(historian, name="historian")
program.command()(export)
program.command()(report)
program.command()(simulate)
program.command()(train)
program.command()(simulator)
program.command("gateway-sim")(gateway_sim)
program.command()(probe)
program.command()(identify)
program.command()(backup)
program.command()(restore)
program.command()(publish)
program.command()(evaluate)

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")]
Home = Annotated[Path | None, typer.Option("--home", help="Directory that holds all state.")]
SourceName = Annotated[str | None, typer.Option("--source", help="simulator or modbus.")]


def main() -> None:
    """Entry point of the program."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell lets its jobs ignore it
    try:
        program()
    except RequestError as error:
        tell_error("This was not done.", str(error))
        sys.exit(1)
    except (ConfigurationError, StartError) as error:
        tell_error("Voltkeep cannot start.", str(error))
        sys.exit(2)


@program.command()
def run(config: Config = None, home: Home = None, source: SourceName = None) -> None:
    """Run everything: database, source, OPC UA server and HMI."""
    memory.begin()
    from server.run import run_everything

    if not asyncio.run(run_everything(_settings(config, home, source))):
        raise typer.Exit(1)


@program.command()
def server(config: Config = None, home: Home = None, source: SourceName = None) -> None:
    """Run the OPC UA server with its historian, without the HMI."""
    memory.begin()
    from server.run import run_server

    asyncio.run(run_server(_settings(config, home, source)))


@program.command()
def hmi(config: Config = None, home: Home = None) -> None:
    """Run the HMI alone, for a server that runs elsewhere."""
    _settings(config, home, None)
    os.execv(sys.executable, [sys.executable, "-m", "hmi"])


@program.command()
def check(config: Config = None, home: Home = None) -> None:
    """Check settings, all files that they name and register maps, and say what they hold."""
    from server.plantfiles import read_notify, read_plant_files
    from simulator.compositions import read_scenario_file

    settings = _settings(config, home, None)
    conditions, overrides, file = read_plant_files(settings)
    fleet = conditions.fleet
    parts = f"{len(fleet.sites)} sites, {len(fleet.systems)} systems, {len(fleet.strings)} strings"
    out.print(f"{settings.fleet}: {parts}, {len(fleet.jars)} jars")
    told = f"{len(conditions.defs)} conditions, {len(overrides)} overrides, {len(file.incidents)} incidents"
    out.print(f"{settings.alarms}: {told}")
    notify = read_notify(settings, conditions)
    if notify is not None:
        out.print(f"{settings.notify.file}: {len(notify.rules)} rules, {len(notify.groups)} groups")
    scenarios = read_scenario_file(settings.simulator.scenarios)
    out.print(f"{settings.simulator.scenarios}: {len(scenarios)} custom scenarios")
    if settings.source == "modbus":
        from drivers.modbus import ModbusSource
        from nodeset.index import TagIndex

        gateways = ModbusSource(TagIndex(fleet), settings.modbus).gateways
        maps = sorted({gateway.link.map for gateway in gateways})
        out.print(f"{len(gateways)} Modbus gateways, register maps: {', '.join(maps)}")
    out.print("Everything is in order.")


def _settings(config: Path | None, home: Path | None, source: str | None) -> Settings:
    """Settings with the options of the command line, which child processes inherit."""
    for variable, value in (
        (CONFIG_VARIABLE, config),
        ("VOLTKEEP_HOME", home),
        ("VOLTKEEP_SOURCE", source),
    ):
        if value is not None:
            os.environ[variable] = str(value)
    settings = load_settings()
    logs.configure(settings.log)
    return settings
