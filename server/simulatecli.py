"""`voltkeep simulate`: the simulated fleet's history, as Parquet or into the historian (S2)."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.settings import CONFIG_VARIABLE, Settings, load_settings
from server import logs
from server.console import out
from server.errors import RequestError
from server.progress import Bar, duration

if TYPE_CHECKING:
    from simulator.offline.job import Content, Job

# A date of its own rather than now, so that the same command writes the same bytes on any day.
START: Final = "2024-01-01"


class Into(StrEnum):
    """Where else than to files the readings can go."""

    HISTORIAN = "historian"


def simulate(
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the Parquet files; made when it is not there.")
    ] = None,
    into: Annotated[
        Into | None, typer.Option("--into", help="Load the readings into the historian of the settings.")
    ] = None,
    years: Annotated[float, typer.Option("--years", min=0, help="How many years.")] = 2.0,
    days: Annotated[
        float | None, typer.Option("--days", min=0, help="How many days, instead of years.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="By default simulator.seed.")] = None,
    start: Annotated[
        dt.datetime, typer.Option("--start", formats=["%Y-%m-%d"], help="First day, UTC.")
    ] = START,  # type: ignore[assignment]  # typer takes the text
    step: Annotated[float, typer.Option("--step", help="Seconds between readings.")] = 60.0,
    sites: Annotated[str, typer.Option("--sites", help="Only these, separated by commas.")] = "",
    no_raw: Annotated[bool, typer.Option("--no-raw", help="Write no raw readings.")] = False,
    no_hourly: Annotated[bool, typer.Option("--no-hourly", help="Write no hourly figures.")] = False,
    no_events: Annotated[bool, typer.Option("--no-events", help="Write no event logs.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier run in the folder.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="At a time; by default one a core.")
    ] = None,
    fleet: Annotated[Path | None, typer.Option("--fleet", help="Fleet file.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")] = None,
    home: Annotated[Path | None, typer.Option("--home", help="Directory that holds all state.")] = None,
) -> None:
    """Simulate the fleet's history and write it as Parquet, load it into the historian, or both."""
    from simulator.offline.errors import OfflineError
    from simulator.offline.job import Content

    if folder is None and into is None:
        raise RequestError("Say where to: --out FOLDER, --into historian, or both.")
    settings = _settings(config, home, fleet)
    left_out = {Content.RAW: no_raw, Content.HOURLY: no_hourly, Content.EVENTS: no_events}
    contents = tuple(content for content in Content if not left_out[content])
    try:
        job = _job(settings, seed, start.date(), (years, days), step, sites, contents)
        if folder is not None:
            _write(job, folder, overwrite, processes)
        if into is Into.HISTORIAN:
            _load(job, settings)
    except OfflineError as error:
        raise RequestError(str(error)) from None
    except KeyboardInterrupt:
        out.print(
            "Interrupted. No half files are left, what is loaded stays, and the command can be repeated."
        )
        raise typer.Exit(130) from None


def _job(
    settings: Settings,
    seed: int | None,
    first: dt.date,
    span: tuple[float, float | None],
    step: float,
    sites: str,
    contents: tuple[Content, ...],
) -> Job:
    from config.fleetfile import read_fleet_file
    from simulator.offline.job import job_of

    names = tuple(name.strip() for name in sites.split(",") if name.strip())
    wanted = settings.simulator.seed if seed is None else seed
    return job_of(read_fleet_file(settings.fleet), wanted, first, span, step, names, contents)


def _write(job: Job, folder: Path, overwrite: bool, processes: int | None) -> None:
    from simulator.offline.folder import clear, estimated_bytes, gigabytes, prepare, write_manifest
    from simulator.offline.workers import cores, record_all

    if overwrite:
        clear(folder)
    prepare(folder, job)
    jars = sum(group.jars for group in job.groups)
    out.print(
        f"{job.steps:,} steps of {len(job.sites)} sites to {folder}: about {gigabytes(estimated_bytes(job))}"
    )
    with Bar(out, "Simulating", job.steps, "steps") as bar:
        rows = record_all(job, folder, processes or cores(), lambda done: bar(done / jars))
    write_manifest(folder, job, rows)
    written = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    out.print(
        f"{sum(rows.values()):,} rows in {len(rows):,} files, {gigabytes(written)}, "
        f"in {duration(bar.seconds)} ({bar.rate:,.0f} steps/s)"
    )


def _load(job: Job, settings: Settings) -> None:
    from server.historianload import estimated_bytes, fault, load_job, warning
    from simulator.offline.folder import gigabytes

    now = round(time.time() * 1e6)
    if (wrong := fault(job, settings, now)) is not None:
        raise RequestError(wrong)
    out.print(f"{job.steps:,} scans into the historian: about {gigabytes(estimated_bytes(job))}")
    if (said := warning(job, settings, now)) is not None:
        out.print(said)
    with Bar(out, "Loading", job.steps, "scans") as bar:
        rows = asyncio.run(load_job(job, settings, bar))
    out.print(f"{rows:,} new rows in {duration(bar.seconds)} ({bar.rate:,.0f} scans/s)")


def _settings(config: Path | None, home: Path | None, fleet: Path | None) -> Settings:
    for variable, value in (
        (CONFIG_VARIABLE, config),
        ("VOLTKEEP_HOME", home),
        ("VOLTKEEP_FLEET", fleet),
    ):
        if value is not None:
            os.environ[variable] = str(value)
    settings = load_settings()
    logs.configure(settings.log.model_copy(update={"level": "warning"}))
    return settings
