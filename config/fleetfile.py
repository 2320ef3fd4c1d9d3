"""The fleet file (`fleet.yaml`): its shape, its checks and its JSON Schema; no behaviour."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from config.yamlfile import ConfigurationError, Loc, check, load
from config.zone import DEFAULT_ZONE, Zone

MAX_JARS = 50_000
# Names of objects that stand beside the sites under Objects/Fleet.
RESERVED = frozenset(
    {"Fleet", "Alarms", "Analytics", "Audit", "Dispatch", "Historian", "Maintenance", "Shadow", "Simulation"}
)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$")]
Serial = Annotated[str, StringConstraints(pattern=r"^\S{1,40}$")]
JarPath = Annotated[str, StringConstraints(pattern=r"^[^/]+/[^/]+/[^/]+/[^/]+$")]
Region = Literal["Northern", "North-Eastern", "Bangkok", "Eastern", "Southern"]
Resistance = Annotated[float, Field(gt=0, le=1000)]


class Part(BaseModel):
    """A mapping of the fleet file; an unknown key is an error, not a shrug."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(Part):
    """Lowest and highest value that is physically possible, in the unit of its tag."""

    low: float
    high: float


class Limits(Part):
    """What a reading of this model can be (V4); beyond it the sensor is doubted."""

    voltage: Range = Range(low=10.0, high=15.0)
    temperature: Range = Range(low=10.0, high=50.0)


class TwinPart(Part):
    """What the twin is told of this model beyond its data sheet, as `voltkeep identify` fits it.

    A figure that is not given is that of the chemistry (`analytics.parameters`), which explains them all.
    """

    capacity: Annotated[
        float | None, Field(gt=0, le=5000, description="[Ah] that a new jar gives, where not the rated ones")
    ] = None
    resistance: Annotated[
        Resistance | None, Field(description="[mΩ] of a new jar under load, where not baseline_resistance")
    ] = None
    acid_full: Annotated[float | None, Field(ge=2, le=10, description="[mol/l] of a full jar")] = None
    acid_empty: Annotated[
        float | None, Field(ge=0.005, le=0.8, description="share of it left when the 10 h rate ends")
    ] = None
    acid_bow: Annotated[
        float | None, Field(ge=0, le=0.8, description="bow of the acid over the charge, times 4")
    ] = None
    exchange: Annotated[
        float | None, Field(ge=0.01, le=100, description="[1/h] current where kinetics turn logarithmic")
    ] = None
    exchange_order: Annotated[
        float | None, Field(ge=0.01, le=10, description="power of the acid with which it falls")
    ] = None
    diffusion: Annotated[
        float | None, Field(ge=0, le=5, description="[h] by which the acid in the pores falls behind")
    ] = None
    slow_time: Annotated[
        float | None, Field(ge=60, le=20_000, description="[s] in which the acid in the pores does")
    ] = None
    diffusion_order: Annotated[
        float | None, Field(ge=0, le=3, description="power of the acid with which diffusion slows down")
    ] = None


class JarModel(Part):
    """A jar model's data sheet."""

    manufacturer: str
    chemistry: Literal["VRLA-AGM", "VRLA-GEL"] = "VRLA-AGM"
    nominal_voltage: Annotated[float, Field(gt=0, le=48, description="[V]")]
    cells: Annotated[int, Field(ge=1, le=24, description="cells in series")]
    capacity: Annotated[float, Field(gt=0, le=5000, description="[Ah], 10 h rate to cut-off at 25 °C")]
    cutoff_voltage: Annotated[float, Field(gt=0, description="[V] a jar, end of discharge")]
    float_voltage: Annotated[float, Field(gt=0, description="[V] a jar at 25 °C")]
    float_compensation: Annotated[float, Field(ge=-10, le=0, description="[mV/cell/K]")] = -3.0
    baseline_resistance: Annotated[Resistance, Field(description="[mΩ] a jar when new, at 25 °C")]
    design_life: Annotated[float, Field(gt=0, le=30, description="[a] on float at 25 °C")] = 10.0
    warranty: Annotated[float, Field(ge=0, le=30, description="[a]")] = 3.0
    limits: Limits = Limits()
    twin: TwinPart = TwinPart()


class StringPart(Part):
    """One string: jars in series."""

    model: str
    jars: Annotated[int, Field(ge=1, le=400)]
    installed: dt.date
    first_serial: Annotated[Serial, Field(description="serial number of J01; its last digits count up")]
    baseline_resistance: Annotated[
        tuple[Resistance, ...] | None,
        Field(description="[mΩ] measured at commissioning, one figure a jar; else the model's"),
    ] = None


class SystemPart(Part):
    """One battery system: a UPS or rectifier with its strings in parallel."""

    kind: Literal["UPS", "Rectifier"]
    rated_power: Annotated[float, Field(gt=0, le=10_000, description="[kW]")]
    strings: Annotated[dict[Name, StringPart], Field(min_length=1)]


class SitePart(Part):
    """One data centre."""

    region: Region
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    zone: Annotated[Zone | None, Field(description="time zone; none: the fleet's")] = None
    temperature_offset: Annotated[float, Field(ge=-20, le=20, description="[K] against the region")] = 0.0
    systems: Annotated[dict[Name, SystemPart], Field(min_length=1)]


class JarPart(Part):
    """How one jar differs from its string: a jar that was replaced, say."""

    serial: Serial | None = None
    installed: dt.date | None = None
    warranty_end: dt.date | None = None
    baseline_resistance: Resistance | None = None


class FleetFile(Part):
    """The whole file."""

    name: str
    zone: Annotated[Zone, Field(description="IANA name of the sites' time zone")] = DEFAULT_ZONE
    models: Annotated[dict[Name, JarModel], Field(min_length=1)]
    sites: Annotated[dict[Name, SitePart], Field(min_length=1)]
    jars: dict[JarPath, JarPart] = {}


def read_fleet_file(path: Path) -> FleetFile:
    """Read and check `path`; `ConfigurationError` lists every fault with key and line."""
    source = load(path)
    fleet = check(source, FleetFile)
    faults = [source.error(loc, message) for loc, message in _contradictions(fleet)]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return fleet


def json_schema() -> dict[str, Any]:
    """JSON Schema of the fleet file, for editors and other tools."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Voltkeep fleet",
    } | FleetFile.model_json_schema()


def jar_name(position: int) -> str:
    """Name of the jar at `position` (from 1) of its string."""
    return f"J{position:02d}"


def serial_at(first: str, offset: int) -> str:
    """The serial number `offset` places after `first`; leading zeros are kept."""
    head, digits = _split_serial(first)  # kept, for a string's jars ask one after the other
    return f"{head}{int(digits or 0) + offset:0{len(digits)}d}"


@lru_cache(256)
def _split_serial(serial: str) -> tuple[str, str]:
    digits = re.search(r"\d*$", serial)
    assert digits is not None
    return serial[: digits.start()], digits.group()


def _contradictions(fleet: FleetFile) -> list[tuple[Loc, str]]:
    """What the schema cannot say: references between parts, and sums over them."""
    faults: list[tuple[Loc, str]] = []
    serials: dict[str, str] = {}
    overrides = dict(fleet.jars)
    count = 0
    for site_name, site in fleet.sites.items():
        if site_name in RESERVED:
            faults.append((("sites", site_name), f"'{site_name}' is the name of an object of Voltkeep"))
        for system_name, system in site.systems.items():
            for string_name, string in system.strings.items():
                loc: Loc = ("sites", site_name, "systems", system_name, "strings", string_name)
                faults += _string_faults(fleet, string, loc)
                count += string.jars
                for i in range(string.jars):
                    path = f"{site_name}/{system_name}/{string_name}/{jar_name(i + 1)}"
                    own = overrides.pop(path, None)
                    serial = own.serial if own and own.serial else serial_at(string.first_serial, i)
                    if serial in serials:
                        key: Loc = ("jars", path) if own and own.serial else (*loc, "first_serial")
                        faults.append((key, f"{path} has serial number {serial}, as has {serials[serial]}"))
                    serials.setdefault(serial, path)
    faults += [(("jars", path), _unknown_part(fleet, path)) for path in overrides]
    if count > MAX_JARS:
        faults.append((("sites",), f"{count} jars; Voltkeep serves 1 to {MAX_JARS}"))
    return faults


def _string_faults(fleet: FleetFile, string: StringPart, loc: Loc) -> list[tuple[Loc, str]]:
    faults: list[tuple[Loc, str]] = []
    if string.model not in fleet.models:
        known = ", ".join(fleet.models)
        faults.append(((*loc, "model"), f"unknown jar model '{string.model}' (known: {known})"))
    measured = string.baseline_resistance
    if measured is not None and len(measured) != string.jars:
        faults.append(((*loc, "baseline_resistance"), f"{len(measured)} figures for {string.jars} jars"))
    if not _split_serial(string.first_serial)[1]:
        faults.append(((*loc, "first_serial"), "must end in digits, which count up through the string"))
    return faults


def _unknown_part(fleet: FleetFile, path: str) -> str:
    site_name, system_name, string_name, jar = path.split("/")
    site = fleet.sites.get(site_name)
    if site is None:
        return f"unknown site '{site_name}' (known: {', '.join(fleet.sites)})"
    system = site.systems.get(system_name)
    if system is None:
        return f"unknown system '{system_name}' of {site_name} (known: {', '.join(site.systems)})"
    if string_name not in system.strings:
        return f"unknown string '{string_name}' of {site_name}/{system_name}"
    return f"unknown jar '{jar}': the string has {system.strings[string_name].jars} jars"
