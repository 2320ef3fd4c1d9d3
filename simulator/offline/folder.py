"""The folder of an offline run: whether it may be written, how much it will hold, and its manifest.

    raw/<asset type>/<Site>/<YYYY-MM>.parquet       hourly/<asset type>/<Site>/<YYYY-MM>.parquet
    events/<Site>/<YYYY-MM>.parquet                 manifest.json

The manifest comes last: a folder without it is of a run that was not finished.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from nodeset.fleet import build_fleet
from nodeset.index import TagIndex
from simulator.calendar import SECOND
from simulator.offline.columns import PLANES, asset_types, described
from simulator.offline.errors import OfflineError
from simulator.offline.files import PART
from simulator.offline.hours import HOUR
from simulator.offline.job import Content, Job
from simulator.offline.recorder import Rows

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1  # of folder and files; a change of names, types or meanings counts it up
# Bytes of a jar with its share of string, system and site, measured on the shipped fleet, with 15 % on top.
RAW_BYTES: Final = 3.8  # a step
HOURLY_BYTES: Final = 16.0  # an hour
_SPARE: Final = 0.2e9  # bytes of the disk that are left alone


def estimated_bytes(job: Job) -> float:
    """About how much a job writes."""
    jars = sum(group.jars * len(set(group.sites) & set(job.sites)) / len(group.sites) for group in job.groups)
    raw = RAW_BYTES * job.steps if Content.RAW in job.contents else 0.0
    hours = min((job.end - job.start) / HOUR, job.steps)
    hourly = HOURLY_BYTES * hours if Content.HOURLY in job.contents else 0.0
    return jars * (raw + hourly)


def clear(out: Path) -> None:
    """Remove what an earlier run has written, and nothing else."""
    (out / MANIFEST).unlink(missing_ok=True)
    for content in Content:
        folder = out / content.value
        for file in (*folder.rglob("*.parquet"), *folder.rglob(f".*{PART}")):
            file.unlink()
        below = [path for path in folder.rglob("*") if path.is_dir()]
        for empty in sorted((*below, folder), reverse=True):
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()


def prepare(out: Path, job: Job) -> None:
    """Have an empty folder with room enough."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise OfflineError(
                f"{out} is not empty. Take another folder, or --overwrite an earlier run in it."
            )
        free = shutil.disk_usage(out).free
    except OSError as error:
        raise OfflineError(f"{out} cannot be used: {error.strerror or error}") from None
    needed = estimated_bytes(job)
    if needed + _SPARE > free:
        raise OfflineError(
            f"about {gigabytes(needed)} are needed in {out}, and {gigabytes(free)} are free there. "
            "A longer --step, fewer --sites or --no-raw need less."
        )


def write_manifest(out: Path, job: Job, rows: Rows) -> None:
    """Say what the folder holds; nothing in it depends on when or where it was written."""
    index = TagIndex(build_fleet(job.file))
    manifest = {
        "format": FORMAT,
        "fleet": job.file.name,
        "fleet_sha256": job.fleet_hash,
        "seed": job.seed,
        "start": _text(job.start),
        "end": _text(job.end),
        "step_s": job.step / SECOND,
        "steps": job.steps,
        "sites": list(job.sites),
        "versions": {name: version(name) for name in ("voltkeep", "pyarrow", "numpy")},
        "columns": _columns(index, job),
        "rows": rows,
    }
    part = out / f".{MANIFEST}{PART}"
    part.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")
    part.replace(out / MANIFEST)


def gigabytes(count: float) -> str:
    """`6.4 GB`, `12 MB`."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{max(count / 1e6, 1):.0f} MB"


def _columns(index: TagIndex, job: Job) -> dict[str, Any]:
    return {
        content.value: {kind.value.lower(): described(index, content, kind) for kind in asset_types(index)}
        for content in job.contents
        if content in PLANES
    }


def _text(time: int) -> str:
    return dt.datetime.fromtimestamp(time / SECOND, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
