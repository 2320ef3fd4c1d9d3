"""Tags that follow from others by adding up and counting: of strings, sites and the fleet (V2); pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType, Fleet
from nodeset.frame import Frame, Statuses, Values
from nodeset.tags import RUL_BINS, SOH_BINS, Health, bin_name

Flags = NDArray[np.bool_]

JAR, STRING, SITE, FLEET = AssetType.JAR, AssetType.STRING, AssetType.SITE, AssetType.FLEET
_COUNTED = {
    "HealthyJars": Health.HEALTHY,
    "WarningJars": Health.WARNING,
    "CriticalJars": Health.CRITICAL,
    "UnknownJars": Health.UNKNOWN,
}


def share_current(frame: Frame) -> None:
    """Jars in series carry their string's current (F4)."""
    fleet = frame.index.fleet
    source, target = (frame.index.slice(asset, "Current") for asset in (STRING, JAR))
    for column in (frame.value, frame.status, frame.source_time):
        column[target] = column[source][fleet.string_of_jar]


def add_up_strings(frame: Frame) -> None:
    """Voltage of each string, and lowest, highest, spread and weakest of its jars."""
    fleet = frame.index.fleet
    first = fleet.first_jar_of_string
    voltage, status = frame.column(JAR, "Voltage"), frame.column_status(JAR, "Voltage")
    # A sum is as good as its worst part: StatusCodes grow with severity.
    worst: Statuses = np.maximum.reduceat(status, first)
    frame.put(STRING, "Voltage", np.add.reduceat(voltage, first), worst)
    usable = ~st.is_bad(status)
    low: Values = np.minimum.reduceat(np.where(usable, voltage, np.inf), first)
    high: Values = np.maximum.reduceat(np.where(usable, voltage, -np.inf), first)
    some = np.isfinite(low)
    best = np.where(some, np.minimum.reduceat(status, first), worst).astype(np.uint32)
    for name, value in (
        ("JarVoltageMin", low),
        ("JarVoltageMax", high),
        ("JarVoltageSpread", high - low),
    ):
        frame.put(STRING, name, np.where(some, value, np.nan), best)
    frame.put(STRING, "WeakestJar", _weakest(fleet, voltage, usable, low, some), best)


def _weakest(fleet: Fleet, voltage: Values, usable: Flags, low: Values, some: Flags) -> Values:
    """Index of the first jar of each string that has its lowest voltage; NaN where none is known."""
    is_lowest = usable & (voltage == low[fleet.string_of_jar])
    jars = np.where(is_lowest, np.arange(len(voltage)), len(voltage))
    return np.where(some, np.minimum.reduceat(jars, fleet.first_jar_of_string), np.nan)


def count_jars(frame: Frame) -> None:
    """Counts by health, freshness and means of each site and of the fleet; distributions of the fleet."""
    fleet = frame.index.fleet
    first = fleet.first_jar_of_site
    jars = np.diff(np.append(first, len(fleet.jars))).astype(np.float64)
    _put(frame, "Jars", jars)
    health = frame.column(JAR, "HealthStatus")
    for name, code in _COUNTED.items():
        _put(frame, name, np.add.reduceat((health == code).astype(np.float64), first))
    fresh = st.is_good(frame.column_status(JAR, "Voltage"))
    _put_mean(frame, "FreshDataShare", np.where(fresh, 100.0, 0.0), np.ones(len(fresh), np.bool_))
    for name, tag in (
        ("MeanStateOfHealth", "StateOfHealth"),
        ("MeanRemainingUsefulLife", "RemainingUsefulLife"),
    ):
        _put_mean(frame, name, frame.column(JAR, tag), ~st.is_bad(frame.column_status(JAR, tag)))
    _count_bins(frame)


def _put(frame: Frame, name: str, by_site: Values) -> None:
    frame.put(SITE, name, by_site)
    frame.put(FLEET, name, float(by_site.sum()))


def _put_mean(frame: Frame, name: str, value: Values, usable: Flags) -> None:
    """Mean over the usable jars; bad where there is none."""
    first = frame.index.fleet.first_jar_of_site
    total = np.add.reduceat(np.where(usable, value, 0.0), first)
    count = np.add.reduceat(usable.astype(np.float64), first)
    known = count > 0
    mean = np.where(known, total / np.maximum(count, 1), np.nan)
    status = np.where(known, st.GOOD, st.BAD_WAITING_FOR_INITIAL_DATA).astype(np.uint32)
    frame.put(SITE, name, mean, status)
    whole = float(total.sum() / count.sum()) if known.any() else float("nan")
    frame.put(FLEET, name, whole, st.GOOD if known.any() else st.BAD_WAITING_FOR_INITIAL_DATA)


def _count_bins(frame: Frame) -> None:
    for tag, bins in (("StateOfHealth", SOH_BINS), ("RemainingUsefulLife", RUL_BINS)):
        value = frame.column(JAR, tag)[~st.is_bad(frame.column_status(JAR, tag))]
        edges = np.array([low for low, _ in bins] + [np.inf], np.float64)
        counts, _ = np.histogram(value, edges)
        for (low, high), count in zip(bins, counts, strict=True):
            frame.put(FLEET, bin_name(tag, low, high), float(count))
