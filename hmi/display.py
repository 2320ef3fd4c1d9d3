"""Which tags each page shows, in which order, with what heading and how many decimals.

Units and the names of states come from the server (`complete`); headings are translated by i18n.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hmi.image import Column, Layout, Table
from hmi.topology import FLEET, Asset, Topology

SUMMARY: Final = (
    Column("Jars", "Jars"),
    Column("HealthyJars", "Healthy"),
    Column("WarningJars", "Warning"),
    Column("CriticalJars", "Critical"),
    Column("UnknownJars", "Unknown"),
    Column("ActiveAlarms", "Active alarms"),
    Column("UnacknowledgedAlarms", "Unacknowledged"),
    Column("FreshDataShare", "Fresh data", 1),
    Column("MeanStateOfHealth", "Mean SOH", 1),
    Column("MeanRemainingUsefulLife", "Mean RUL"),
    Column("AlarmRate", "Alarm rate"),
    Column("StandingAlarms", "Standing alarms"),
    Column("ChatteringAlarms", "Chattering alarms"),
    Column("ShelvedAlarms", "Shelved"),
    Column("SuppressedAlarms", "Suppressed"),
    Column("OutOfServiceAlarms", "Out of service"),
    Column("OpenIncidents", "Open incidents"),
    Column("AlarmFlood", "Alarm flood"),
)
SITE: Final = (
    *SUMMARY,
    Column("AmbientTemperature", "Ambient", 1),
    Column("Humidity", "Humidity"),
    Column("HvacState", "HVAC"),
    Column("MainsState", "Mains"),
    Column("GatewayState", "Gateway"),
    Column("GatewayRoundTrip", "Gateway answers in", 1),
)
SYSTEM: Final = (
    Column("OperatingMode", "Mode"),
    Column("BusVoltage", "Bus", 1),
    Column("Load", "Load", 1),
    Column("RuntimeRemaining", "Runtime"),
    Column("FloatVoltageSetpoint", "Float set-point", 3),
    Column("ChargeCurrentLimit", "Charge limit", 1),
)
STRING: Final = (
    Column("Voltage", "Voltage", 1),
    Column("Current", "Current", 2),
    Column("JarVoltageSpread", "Spread", 3),
    Column("WeakestJar", "Weakest jar"),
)
JAR: Final = (
    Column("StateOfHealth", "SOH", 1),
    Column("Voltage", "Voltage", 3),
    Column("Temperature", "Temperature", 1),
    Column("InternalResistance", "Resistance", 2),
    Column("RemainingUsefulLife", "RUL"),
    Column("HealthStatus", "Health"),
    Column("SensorState", "Sensors"),
)
JAR_DETAIL: Final = (
    Column("Voltage", "Voltage", 3),
    Column("Temperature", "Temperature", 2),
    Column("InternalResistance", "Internal resistance", 3),
    Column("Current", "String current", 2),
    Column("StateOfCharge", "State of charge", 1),
    Column("StateOfHealth", "State of health", 1),
    Column("HealthStatus", "Health"),
    Column("SensorState", "Sensors"),
    Column("TemperatureExcess", "Excess temperature", 1),
    Column("TwinVoltageResidual", "Residual against twin", 3),
    Column("RemainingUsefulLife", "Remaining useful life"),
    Column("RemainingUsefulLifeLower", "Lower bound (90 %)"),
    Column("RemainingUsefulLifeUpper", "Upper bound (90 %)"),
    Column("RulConfidence", "Confidence"),
    Column("RulMlDays", "By learnt model"),
    Column("RulTwinDays", "By twin"),
    Column("ReplacementQuarter", "Replace in"),
    Column("RulReview", "Manual review"),
)
LIFE: Final = (
    Column("RemainingUsefulLife", "RUL"),
    Column("RemainingUsefulLifeLower", "Lower bound (90 %)"),
    Column("RemainingUsefulLifeUpper", "Upper bound (90 %)"),
    Column("RulConfidence", "Confidence"),
    Column("RulTwinDays", "By twin"),
    Column("RulMlDays", "By learnt model"),
    Column("ReplacementQuarter", "Replace in"),
    Column("RulReview", "Manual review"),
    Column("StateOfHealth", "SOH", 1),
    Column("InternalResistance", "Resistance", 2),
    Column("BaselineResistance", "Baseline resistance", 2),
    Column("Temperature", "Temperature", 1),
    Column("HealthStatus", "Health"),
)
LIVES_SAMPLING: Final = 10_000.0  # ms: lives change in days, and there are many of them
GATEWAY: Final = (
    Column("GatewayState", "State"),
    Column("GatewayRoundTrip", "Answers in", 1),
    Column("GatewayErrors", "Failed requests"),
    Column("GatewayLastScanAge", "Last whole scan", 0),
    Column("FreshDataShare", "Fresh data", 1),
)
HISTORIAN: Final = (
    Column("HistorianState", "State"),
    Column("HistorianLag", "Behind the scan", 1),
    Column("HistorianWaiting", "Scans that wait"),
    Column("HistorianDropped", "Scans lost"),
    Column("HistorianSpillUsed", "Space on disk used", 1),
)
SOH_BINS: Final = ((0, 70), (70, 75), (75, 80), (80, 85), (85, 90), (90, 95), (95, 101))
RUL_BINS: Final = ((0, 90), (90, 180), (180, 365), (365, 730), (730, 1095), (1095, 1825), (1825, 9132))
DISTRIBUTIONS: Final = tuple(
    Column(f"{tag}From{low:04d}To{high:04d}", f"{low}")
    for tag, bins in (("StateOfHealth", SOH_BINS), ("RemainingUsefulLife", RUL_BINS))
    for low, high in bins
)
Declared = Mapping[str, tuple[str, tuple[str, ...]]]


def fleet_layout(topology: Topology) -> Layout:
    """The fleet page: totals, distributions, and a card a site."""
    sites = tuple(site.path for site in topology.sites)
    tables = (Table("fleet", (FLEET,), SUMMARY + DISTRIBUTIONS), Table("sites", sites, SITE))
    return Layout(tables, timed=True)


def site_layout(site: Asset) -> Layout:
    """The site page: environment, systems, strings and every jar."""
    strings = [string for system in site.parts for string in system.parts]
    return Layout(
        (
            Table("site", (site.path,), SITE),
            Table("systems", tuple(system.path for system in site.parts), SYSTEM),
            Table("strings", tuple(string.path for string in strings), STRING),
            Table("jars", tuple(jar.path for string in strings for jar in string.parts), JAR),
        )
    )


def heat_layout(topology: Topology, tag: str) -> Layout:
    """The heatmap of the whole fleet: one tag of every jar; KeyError for none of `JAR`."""
    column = {column.tag: column for column in JAR}[tag]
    return Layout((Table("jars", topology.jars, (column,)),))


def jar_layout(jar: Asset) -> Layout:
    """The jar page: all its tags, each with its age."""
    return Layout((Table("jar", (jar.path,), JAR_DETAIL),), timed=True)


def lives_layout(topology: Topology) -> Layout:
    """The page of remaining lives: every jar of the fleet."""
    strings = (string for site in topology.sites for system in site.parts for string in system.parts)
    jars = tuple(jar.path for string in strings for jar in string.parts)
    return Layout((Table("jars", jars, LIFE),), sampling=LIVES_SAMPLING)


def connections_layout(topology: Topology) -> Layout:
    """The page of connections: every site's gateway, and the historian."""
    sites = tuple(site.path for site in topology.sites)
    return Layout((Table("gateways", sites, GATEWAY), Table("historian", (FLEET,), HISTORIAN)))


def complete(layout: Layout, declared: Declared) -> Layout:
    """The layout with units and states as the server declares them, by NodeId text of a variable."""
    tables = []
    for table in layout.tables:
        columns = []
        for column in table.columns:
            unit, states = declared.get(f"{table.rows[0]}.{column.tag}", ("", ())) if table.rows else ("", ())
            columns.append(replace(column, unit=unit, states=states))
        tables.append(replace(table, columns=tuple(columns)))
    return replace(layout, tables=tuple(tables))


def declarers(layout: Layout) -> list[str]:
    """NodeId texts of the variables whose properties stand for their column: those of the first row."""
    return [f"{t.rows[0]}.{c.tag}" for t in layout.tables if t.rows for c in t.columns]
