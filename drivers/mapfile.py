"""Register map files, those that ship in config/maps and a user's own: read, checked, and their schema.

A wrong map raises `ConfigurationError` with file, line and key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from config.settings import HERE
from config.yamlfile import ConfigurationError, check, load
from drivers.registermap import RegisterMap
from drivers.sunspecmap import SunSpecMap

FieldMap = RegisterMap | SunSpecMap

MAPS: Final = HERE / "maps"


def read_map(name: str) -> FieldMap:
    """Read a map that ships by its name, or one of the user's by its path."""
    shipped = MAPS / f"{name}.yaml"
    path = shipped if shipped.exists() else Path(name)
    if not path.exists():
        known = ", ".join(shipped_maps())
        raise ConfigurationError(f"modbus.map: there is no map '{name}' (shipped: {known}), nor such a file")
    file = load(path)
    discovered = isinstance(file.data, dict) and "discovery" in file.data
    found: FieldMap = check(file, SunSpecMap) if discovered else check(file, RegisterMap)
    faults = [file.error(loc, message) for loc, message in found.faults()]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return found


def shipped_maps() -> list[str]:
    """Names of the maps that ship."""
    return sorted(path.stem for path in MAPS.glob("*.yaml"))


def json_schema() -> dict[str, Any]:
    """JSON Schema of a map file, for editors and other tools."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Voltkeep register map",
    } | TypeAdapter(FieldMap).json_schema()
