"""The fleets that everything is measured with: the shipped one, and one of ten times its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from config.fleetfile import read_fleet_file
from config.settings import Settings
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex

# 20 sites of 5 systems of 10 strings of 20 jars.
SITES, SYSTEMS, STRINGS, JARS = 20, 5, 10, 20
LARGE: Final = SITES * SYSTEMS * STRINGS * JARS


def index_of(path: Path) -> TagIndex:
    """The variables of a fleet file."""
    return TagIndex(build_fleet(read_fleet_file(path)))


def shipped_file() -> Path:
    """The fleet file that ships."""
    return Settings().fleet


def shipped_index() -> TagIndex:
    """The variables of the shipped fleet."""
    return index_of(shipped_file())


def large_file(path: Path) -> Path:
    """Write a fleet of 20,000 jars of the shipped model to `path`."""
    shipped = yaml.safe_load(shipped_file().read_text())
    (model,) = shipped["models"]
    sites = {f"Site-{i + 1:02d}": _site(i, model) for i in range(SITES)}
    path.write_text(yaml.safe_dump({"name": "Large", "models": shipped["models"], "sites": sites}))
    return path


def _site(number: int, model: str) -> dict[str, Any]:
    systems = {}
    for i in range(SYSTEMS):
        strings = {}
        for j in range(STRINGS):
            name = f"S{i * STRINGS + j + 1:02d}"
            serial = f"L{number:02d}{name}-0001"
            strings[name] = {"model": model, "jars": JARS, "installed": "2024-01-15", "first_serial": serial}
        systems[f"UPS-{i + 1}"] = {"kind": "UPS", "rated_power": 300, "strings": strings}
    return {"region": "Bangkok", "latitude": 13.7, "longitude": 100.5, "systems": systems}
