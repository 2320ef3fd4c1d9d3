"""How the value that a condition compares is read from a frame, one an asset; pure.

A value is as good as the worst reading that it is made of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.ageing import ohmic_factor
from analytics.parameters import CHEMISTRIES, REFERENCE_TEMPERATURE
from nodeset import status as st
from nodeset.fleet import AssetType, Fleet
from nodeset.frame import Frame, Statuses, Values
from server.alarms.definition import AlarmDef, MeasureKind
from server.scanning.siblings import Siblings

Flags = NDArray[np.bool_]
Read = Callable[[Frame], tuple[Values, Statuses]]

FLEET, SITE, SYSTEM, STRING, JAR = AssetType
# Statuses of what does not arrive.
_LOST: Final = (st.BAD_NO_COMMUNICATION, st.BAD_TIMEOUT, st.BAD_WAITING_FOR_INITIAL_DATA)
_MILLI: Final = 1e-3


def reader_of(fleet: Fleet, d: AlarmDef, baseline: Values) -> Read:
    """How the value that a definition compares is read from a frame, one an asset.

    `baseline` [mΩ at 25 °C] is that of each jar; it may change in place, when jars are replaced.
    """
    if d.measure.kind is MeasureKind.FROM_BASELINE:
        return _from_baseline(fleet, baseline)
    special = _READERS.get(d.measure.kind)
    return _value(d) if special is None else special(fleet, d)


def _value(d: AlarmDef) -> Read:
    asset, name = d.tag.key
    return lambda frame: (frame.column(asset, name), frame.column_status(asset, name))


def _float_compensated(fleet: Fleet, d: AlarmDef) -> Read:
    """Jar voltage [V] as it would be on float at 25 °C: the charger follows the temperature."""
    models = [jar.model for jar in fleet.jars]
    slope = np.array([model.float_compensation * _MILLI * model.cells for model in models])  # V/K

    def read(frame: Frame) -> tuple[Values, Statuses]:
        warmth = frame.column(JAR, "Temperature") - REFERENCE_TEMPERATURE
        statuses = frame.column_status(JAR, "Voltage"), frame.column_status(JAR, "Temperature")
        return frame.column(JAR, "Voltage") - slope * warmth, worst(*statuses)

    return read


def _from_baseline(fleet: Fleet, baseline: Values) -> Read:
    """Deviation [%] of an ohmic value at 25 °C from the jar's baseline: values of one temperature compare.

    Where the temperature is not known the ohmic value counts as it is; 0.6 %/K are no reason to be blind.
    """
    coefficient = np.array([CHEMISTRIES[jar.model.chemistry].ohmic_temperature for jar in fleet.jars])

    def read(frame: Frame) -> tuple[Values, Statuses]:
        warm = frame.column_status(JAR, "Temperature")
        usable = is_usable(warm)
        temperature = np.where(usable, frame.column(JAR, "Temperature"), REFERENCE_TEMPERATURE)
        ohmic = frame.column(JAR, "InternalResistance") / ohmic_factor(coefficient, temperature)
        return 100.0 * (ohmic / baseline - 1.0), frame.column_status(JAR, "InternalResistance")

    return read


def _from_string_mean(fleet: Fleet, d: AlarmDef) -> Read:
    """Difference from the mean of the string's jars; of a string, that of the jar that differs most."""
    siblings, name = Siblings(fleet), d.tag.name

    def read(frame: Frame) -> tuple[Values, Statuses]:
        value, status = frame.column(JAR, name), frame.column_status(JAR, name)
        usable = is_usable(status)
        difference = value - siblings.mean(value, usable)[siblings.string]
        if d.asset is JAR:
            return difference, status
        most = np.maximum.reduceat(np.where(usable, np.abs(difference), -np.inf), siblings.first)
        best = np.minimum.reduceat(np.where(usable, status, np.uint32(st.BAD_NO_DATA)), siblings.first)
        return most, best

    return read


def _abnormal(fleet: Fleet, d: AlarmDef) -> Read:
    """1 while the state is one of those that are not normal, else 0."""
    value, states = _value(d), np.array(d.measure.states, np.float64)

    def read(frame: Frame) -> tuple[Values, Statuses]:
        state, status = value(frame)
        return np.isin(state, states).astype(np.float64), status

    return read


def _missing(fleet: Fleet, d: AlarmDef) -> Read:
    """Share [%] of the jars below whose tag does not arrive, of those that have one; never itself Bad."""
    name = d.tag.name
    first = {
        FLEET: np.zeros(1, np.intp),
        SITE: fleet.first_jar_of_site,
        SYSTEM: np.array([fleet.jars_of_system(i).start for i in range(len(fleet.systems))], np.intp),
        STRING: fleet.first_jar_of_string,
    }[d.asset]
    good = np.full(len(first), st.GOOD, np.uint32)

    def read(frame: Frame) -> tuple[Values, Statuses]:
        status = frame.column_status(JAR, name)
        lost = np.add.reduceat(np.isin(status, _LOST).astype(np.float64), first)
        there = np.add.reduceat((~st.is_unmeasured(status)).astype(np.float64), first)
        return 100.0 * lost / np.maximum(there, 1.0), good

    return read


def _nothing(fleet: Fleet, d: AlarmDef) -> Read:
    """Of what follows from other conditions."""
    n = fleet.count(d.asset)
    return lambda frame: (np.zeros(n), np.zeros(n, np.uint32))


_READERS: Final[dict[MeasureKind, Callable[[Fleet, AlarmDef], Read]]] = {
    MeasureKind.FLOAT_COMPENSATED: _float_compensated,
    MeasureKind.FROM_STRING_MEAN: _from_string_mean,
    MeasureKind.ABNORMAL: _abnormal,
    MeasureKind.MISSING: _missing,
    MeasureKind.ALL_OF: _nothing,
}


def worst(*statuses: Statuses) -> Statuses:
    """Of each value that is made of several: Bad before doubted before Uncertain before Good."""
    most = statuses[0]
    for status in statuses[1:]:
        most = np.maximum(most, status)
    doubted = np.logical_or.reduce([st.is_doubted(status) for status in statuses])
    doubt = np.uint32(st.UNCERTAIN_SENSOR_NOT_ACCURATE)
    return np.where(doubted & ~st.is_bad(most), doubt, most).astype(np.uint32)


def is_usable(status: Statuses) -> Flags:
    """Where a value tells something of the plant."""
    return ~st.is_bad(status) & ~st.is_doubted(status)
