"""What a discharge shows of a jar: its capacity, its resistance under load, and how full it was at the start.

A filter of its own beside the twin's: in one discharge these three stand still, and the voltage of the
circuit follows from them, from the charge drawn and from the acid's lag in closed form (no correction of the
twin's comes in). A reading counts for each share `PACE` of the capacity that was drawn, and for each
`REST_PACE` at rest: what the circuit cannot follow goes on for many scans. `advance` takes one scan, arrays
of shape (jars,), and costs nothing while no jar discharges.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from analytics import twin
from analytics.parameters import KELVIN, THERMAL_VOLTAGE, Array, Mask, Parameters

DISCHARGING: Final = 0.02  # 1/h; a smaller current against the capacity is none
PACE: Final = 0.01  # of the capacity
REST_PACE: Final = 600.0  # s
SETTLED: Final = 600.0  # s of rest before the voltage is that of the acid
ALIKE: Final = 6.0  # readings whose errors go together
NOISE: Final = 0.003  # V a cell, sensor and what the circuit cannot follow
RATE_NOISE: Final = 0.02  # of the drop by resistance and kinetics
CAPACITY_DOUBT: Final = 0.15  # standard deviation of the capacity before, against the rated one
RESISTANCE_DOUBT: Final = 0.30  # of the resistance under load, against the monitor's
FULL_ERROR: Final = 0.003  # of SOC after float
STEP_MAX: Final = 0.1  # of the capacity, by one reading
BEHIND: Final = 10.0  # readings by which `followed` is behind, each of `PACE` of the capacity
LEAST_NEWS: Final = 0.5  # share of the variance before above which a discharge has shown nothing


@dataclass(frozen=True)
class Count:
    """A discharge so far, arrays of shape (jars,); `drawn` is 0 where there is none."""

    drawn: Array  # Ah
    lag: Array  # Ah by which the acid in the pores is behind
    due: Array  # readings that have become due since the last that counted
    rest: Array  # s since the last current
    start: Array  # SOC at the start
    health: Array  # capacity against the rated one
    load: Array  # resistance against that of the circuit
    followed: Array  # `health`, some readings behind
    start_variance: Array
    health_variance: Array
    load_variance: Array
    start_health: Array  # covariances
    start_load: Array
    health_load: Array


@dataclass(frozen=True)
class Scan:
    """One scan, arrays of shape (jars,); discharge current is positive."""

    voltage: Array  # V
    voltage_usable: Mask
    current: Array  # A
    counted: Mask  # where the charge since the last scan is known
    charging: Mask
    temperature: Array  # °C
    resistance: Array  # mΩ of the circuit now
    health: Array  # believed before: capacity against the rated one
    soc: Array  # by the twin at the last scan
    variance: Array  # of it


@dataclass(frozen=True)
class Shown:
    """What discharges that are over have shown, arrays of shape (jars,), where `seen`."""

    seen: Mask
    health: Array
    health_variance: Array
    load: Array
    load_variance: Array


def none(jars: int) -> Count:
    """No jar discharges."""
    return Count(**{f.name: np.zeros(jars) for f in fields(Count)})


def advance(count: Count, parameters: Parameters, scan: Scan, dt: float) -> tuple[Count, Shown | None]:
    """Take one scan, `dt` [s] after the last; what ended with it, if anything, has shown something."""
    on = (scan.current > DISCHARGING * parameters.capacity) & scan.counted
    active = count.drawn > 0
    if not (on.any() or active.any()):
        return count, None
    ended = active & (scan.charging | ~scan.counted)
    shown = _shown(count, ended, scan.health) if ended.any() else None
    begins = on & (~active | ended)
    count = _begun(count, scan, begins)
    going = begins | (active & ~ended)
    count = _drawn(count, parameters, scan, going, on, dt)
    rested = ~on & (count.rest >= SETTLED)
    due = going & scan.voltage_usable & (count.due >= 1.0) & (on | rested)
    return (_corrected(count, parameters, scan, due) if due.any() else count), shown


def sinking(count: Count) -> Array:
    """How fast the capacity that a discharge shows is sinking: health for each whole capacity drawn, or 0.

    A jar whose acid is spent sooner at high rates than the circuit's shows it so, before its voltage falls.
    """
    return np.asarray(np.maximum(count.followed - count.health, 0.0) / (BEHIND * PACE))


def _begun(count: Count, scan: Scan, begins: Mask) -> Count:
    """Discharges begin at the jars `begins`, with what is believed of them."""
    if not begins.any():
        return count
    floated = scan.variance < 1.2 * twin.SOC_FULL_VARIANCE
    first: dict[str, Array | float] = {
        "start": scan.soc,
        "health": scan.health,
        "load": 1.0,
        "followed": scan.health,
        "start_variance": np.where(floated, FULL_ERROR**2, scan.variance),
        "health_variance": CAPACITY_DOUBT**2,
        "load_variance": RESISTANCE_DOUBT**2,
    }
    columns = {
        f.name: np.where(begins, first.get(f.name, 0.0), getattr(count, f.name)) for f in fields(Count)
    }
    return Count(**columns)


def _drawn(count: Count, p: Parameters, scan: Scan, going: Mask, on: Mask, dt: float) -> Count:
    """Charge and lag after `dt` [s]; nothing where no discharge is going on."""
    charge = np.where(on, scan.current, 0.0) * (dt / 3600.0)
    drawn = (count.drawn + charge) * going
    capacity = p.capacity * np.maximum(count.health, 0.05)
    tight = twin.tightness(p, count.start - drawn / capacity)
    keep = np.exp(-dt / (p.slow_time * tight))
    lag = keep * count.lag + (1 - keep) * np.where(on, scan.current, 0.0) * p.diffusion * tight
    due = count.due + np.where(on, charge / (PACE * p.capacity), dt / REST_PACE)
    return replace(
        count, drawn=drawn, lag=lag * going, due=due * going, rest=np.where(on, 0.0, count.rest + dt) * going
    )


def _corrected(count: Count, p: Parameters, scan: Scan, due: Mask) -> Count:
    """The three figures after a reading that is due: an extended Kalman filter with a scalar innovation."""
    c, r = count, scan.resistance * 1e-3
    capacity = p.capacity * np.maximum(c.health, 0.05)
    behind = (c.drawn + c.lag) / capacity
    pores = c.start - behind
    current = np.where(scan.current > DISCHARGING * p.capacity, scan.current, 0.0)
    ocv, slope = twin.open_circuit(p, pores)
    kinetic, kinetic_slope, bend = _kinetics(p, current / capacity, scan.temperature, pores)
    rise = twin.open_circuit_rise(p, scan.temperature)
    expected = ocv + rise - current * r * c.load - kinetic
    hs = slope - kinetic_slope
    hc = (hs * behind + bend) / np.maximum(c.health, 0.05)
    hr = -current * r
    ks = hs * c.start_variance + hc * c.start_health + hr * c.start_load
    kc = hs * c.start_health + hc * c.health_variance + hr * c.health_load
    kr = hs * c.start_load + hc * c.health_load + hr * c.load_variance
    noise = ALIKE * (np.square(NOISE * p.cells) + np.square(RATE_NOISE * (current * r + kinetic)))
    gain = due / (hs * ks + hc * kc + hr * kr + noise)
    step = gain * np.where(due, scan.voltage - expected, 0.0)
    followed = c.followed + due / BEHIND * (c.health - c.followed)
    step = np.clip(step, -STEP_MAX / np.maximum(np.abs(kc), 1e-9), STEP_MAX / np.maximum(np.abs(kc), 1e-9))
    return replace(
        c,
        due=np.where(due, 0.0, c.due),
        start=np.minimum(c.start + ks * step, 1.0 + 3 * FULL_ERROR),
        health=np.clip(c.health + kc * step, 0.05, 1.5),
        load=np.clip(c.load + kr * step, 0.3, 3.0),
        followed=followed,
        start_variance=np.maximum(c.start_variance - gain * ks * ks, 1e-8),
        health_variance=np.maximum(c.health_variance - gain * kc * kc, 1e-8),
        load_variance=np.maximum(c.load_variance - gain * kr * kr, 1e-8),
        start_health=c.start_health - gain * ks * kc,
        start_load=c.start_load - gain * ks * kr,
        health_load=c.health_load - gain * kc * kr,
    )


def _kinetics(p: Parameters, rate: Array, temperature: Array, pores: Array) -> tuple[Array, Array, Array]:
    """Voltage [V] of the kinetics at a `rate` [1/h], its derivatives by the pores' charge and by ln rate."""
    hours, slope = twin.sluggishness(p, pores)
    unit = 2 * THERMAL_VOLTAGE * (temperature + KELVIN) * p.cells
    x = rate * hours
    bend = unit / np.sqrt(1 + x * x)
    return unit * np.arcsinh(x), bend * rate * slope, bend * x


def _shown(count: Count, ended: Mask, believed: Array) -> Shown:
    """What the ended discharges have shown by themselves: what was believed before is taken out again."""
    news = count.health_variance / CAPACITY_DOUBT**2
    left = np.maximum(1 - news, 1e-3)
    health = (count.health - news * believed) / left
    load_news = count.load_variance / RESISTANCE_DOUBT**2
    load_left = np.maximum(1 - load_news, 1e-3)
    return Shown(
        ended & (news < LEAST_NEWS),
        health,
        count.health_variance / left,
        (count.load - load_news) / load_left,
        count.load_variance / load_left,
    )
