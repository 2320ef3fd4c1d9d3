"""Cost of the twin's step and of the whole analytics step for the fleet, beside a plain Python loop.

Run it in the checkout: `python -m benchmarks.twin`. `ScalarTwin` is the peer: the same filter for one jar,
written with 3 x 3 matrices and `math`; the unit tests hold the two against each other.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analytics import estimate, twin
from analytics.parameters import KELVIN, KNOTS, SOC_LOW, THERMAL_VOLTAGE, Parameters
from config.fleetfile import read_fleet_file
from nodeset.fleet import build_fleet

ROOT = Path(__file__).parents[1]
Matrix = list[list[float]]
SCAN = 5.0  # s
NOW = 1_800_000_000_000_000  # µs since 1970


@dataclass
class ScalarTwin:
    """One jar's filter in plain Python; `p` holds the parameters of this jar alone."""

    p: Parameters
    state: list[float] = field(default_factory=lambda: [1.0, 0.0, 0.0])
    covariance: Matrix = field(
        default_factory=lambda: [[twin.START_VARIANCE, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0025]]
    )

    def step(
        self, voltage: float, current: float, temperature: float, ohm: float, capacity: float, dt: float
    ) -> float:
        """One scan with a usable voltage [V]; `ohm` [mΩ]; gives the residual [V]."""
        quiet = abs(current) < twin.TAIL_CURRENT * self._of("capacity")
        held = voltage > self._of("full") + twin.HELD * self._of("cells")
        floating = quiet and held
        self._predict(voltage, 0.0 if floating else current, temperature, ohm, capacity, dt, floating)
        expected, h = self._measure(voltage, current, temperature, ohm, floating)
        return self._correct(voltage - expected, h, current, ohm, floating, dt)

    def _of(self, name: str) -> float:
        return float(getattr(self.p, name)[0])

    def _table(self, name: str, soc: float) -> tuple[float, float]:
        table = getattr(self.p, name)[int(self.p.chemistry[0]) :]
        place = min(max((soc - SOC_LOW) * twin.PER_SOC, 0.0), KNOTS - 1.0)
        left = min(int(place), KNOTS - 2)
        step = float(table[left + 1] - table[left])
        return float(table[left]) + (place - left) * step, step * twin.PER_SOC

    def _pores(self) -> float:
        return self.state[0] - self.state[2] / self._of("lag")

    def _predict(
        self,
        voltage: float,
        current: float,
        temperature: float,
        ohm: float,
        capacity: float,
        dt: float,
        floating: bool,
    ) -> None:
        soc, v1, v2 = self.state
        cells = self._of("cells")
        knot = int((soc - SOC_LOW) * twin.PER_SOC)
        tight = float(self.p.tightness[int(self.p.chemistry[0]) + knot])
        lasts = twin.FLOAT_TIME if floating else self._of("slow_time") * tight
        a1, a2 = math.exp(-dt / self._of("fast_time")), math.exp(-dt / lasts)
        hours, slope = self._table("sluggishness", self._pores())
        rate = current / capacity
        x = rate * (hours if current > 0 else 1 / self._of("charge_exchange"))
        unit = 2 * THERMAL_VOLTAGE * (temperature + KELVIN) * cells
        fast, slow = unit * math.asinh(x), rate * self._of("diffusion") * tight * self._of("lag")
        sensitivity = unit * rate * slope / math.sqrt(1 + x * x) if current > 0 else 0.0
        gas = self._of("capacity") * self._of("gassing_current")
        gas *= math.exp(
            self._of("gassing_slope") * (voltage / cells - self._of("gassing_voltage"))
            + self._of("gassing_heat") * (temperature - self._of("gassing_temperature"))
        )
        counted = soc - (current + min(gas, max(-current, 0.0))) * min(dt, twin.CHARGE_GAP) / 3600 / capacity
        full = 1 - math.exp(-dt / twin.FULL_TIME) if floating else 0.0
        self.state = [
            min(max(counted + full * (1 - counted), 0.0), 1.0),
            a1 * v1 + (1 - a1) * fast,
            a2 * v2 + (1 - a2) * slow,
        ]
        f = (1 - a1) * sensitivity
        transition = [[1.0, 0.0, 0.0], [f, a1, -f / self._of("lag")], [0.0, 0.0, a2]]
        p = _product(_product(transition, self.covariance), _transposed(transition))
        p[0][0] = min(p[0][0] + twin.SOC_DRIFT * dt, twin.SOC_VARIANCE_MAX)
        p[0][0] += full * (twin.SOC_FULL_VARIANCE - p[0][0])
        rest = twin.FLOAT_SPREAD if floating else twin.REST_SPREAD
        p[1][1] += (1 - a1 * a1) * ((twin.FAST_SPREAD * fast) ** 2 + 1e-6)
        p[2][2] += (1 - a2 * a2) * ((twin.SLOW_SPREAD * slow) ** 2 + (rest * cells) ** 2)
        self.covariance = p

    def _measure(
        self, voltage: float, current: float, temperature: float, ohm: float, floating: bool
    ) -> tuple[float, list[float]]:
        soc, v1, v2 = self.state
        cells = self._of("cells")
        ocv, slope = (cells * x for x in self._table("ocv", self._pores()))
        ocv += cells * self._of("ocv_temperature") * (temperature - 25.0)
        charge = -current if current < -twin.TAIL_CURRENT * self._of("capacity") else 0.0
        room = 1 - soc + self._of("acceptance_soc")
        over = charge * ohm * 1e-3 * self._of("acceptance") / room
        set_point = self._of("float_voltage") + self._of("float_compensation") * (temperature - 25.0)
        limit = self._of("charge_limit") * cells
        ceiling = limit if voltage > (set_point + limit) / 2 else set_point
        driven = ocv + over - (0.0 if floating else current * ohm * 1e-3)
        if floating or (charge > 0 and driven > ceiling):
            return ceiling - v1 - v2, [0.0, -1.0, -1.0]
        return driven - v1, [slope + over / room, -1.0, -slope / self._of("lag")]

    def _correct(
        self, residual: float, h: list[float], current: float, ohm: float, floating: bool, dt: float
    ) -> float:
        drop = twin.DROP_SPREAD * (1e-3 * current * ohm + self.state[1])
        lasting = 0.0 if floating else twin.OFFSET**2 + drop * drop
        self._doubt(residual, h[0], self._spread(h) + lasting, current, floating)
        k = self._toward(h)
        s = self._spread(h) + lasting
        if residual * residual < twin.GATE**2 * s:
            slow = 1 / (s + lasting * (max(twin.LASTING / max(dt, 1.0), 1.0) - 1.0))
            gains = [slow, 1 / s, 1 / s]
            self.state = [x + k[i] * residual * gains[i] for i, x in enumerate(self.state)]
            self.state[0] = min(max(self.state[0], 0.0), 1.0)
            for i in range(3):
                for j in range(3):
                    self.covariance[i][j] -= k[i] * k[j] * (slow if i == j == 0 else 1 / s)
                self.covariance[i][i] = max(self.covariance[i][i], 1e-10)
        return residual

    def _doubt(self, residual: float, rise: float, s: float, current: float, floating: bool) -> None:
        if residual * residual <= twin.DOUBT**2 * s:
            return
        if floating:
            if abs(residual) < twin.FLOAT_MISTAKE * self._of("cells"):
                self.covariance[2][2] += residual * residual
            return
        mistake = residual / max(rise, 0.1)
        charging = current <= -twin.TAIL_CURRENT * self._of("capacity")
        if abs(mistake) < twin.MISTAKE and 0 < self.state[0] + mistake < 1 and not charging:
            self.covariance[0][0] += mistake * mistake

    def _toward(self, h: list[float]) -> list[float]:
        return [sum(row[j] * h[j] for j in range(3)) for row in self.covariance]

    def _spread(self, h: list[float]) -> float:
        return max(sum(x * y for x, y in zip(h, self._toward(h), strict=True)), 0.0) + twin.NOISE**2


def _product(a: Matrix, b: Matrix) -> Matrix:
    return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def _transposed(a: Matrix) -> Matrix:
    return [[a[j][i] for j in range(3)] for i in range(3)]


def milliseconds(run: Callable[[], object], repeats: int) -> float:
    """Median time of `run` [ms]."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def discharge(parameters: Parameters) -> tuple[estimate.JarReadings, twin.Inputs]:
    """A scan of the whole fleet in discharge."""
    n = parameters.jars
    chance = np.random.default_rng(1)
    voltage, current = chance.normal(12.66, 0.02, n), np.full(n, 40.0)
    usable = np.ones(n, np.bool_)
    warm = np.full(n, 27.0)
    readings = estimate.JarReadings(
        voltage, warm, parameters.baseline, current, usable, usable, usable, usable
    )
    return readings, twin.Inputs(voltage, current, warm, parameters.baseline, parameters.capacity, usable)


def loop(twins: list[ScalarTwin], inputs: twin.Inputs) -> None:
    """The peer: one scan, jar by jar."""
    for i, jar in enumerate(twins):
        jar.step(
            float(inputs.voltage[i]),
            float(inputs.current[i]),
            float(inputs.temperature[i]),
            float(inputs.resistance[i]),
            float(inputs.capacity[i]),
            SCAN,
        )


def main() -> None:
    """Print the figures."""
    fleet = build_fleet(read_fleet_file(ROOT / "config" / "fleet.yaml"))
    parameters = Parameters.of(fleet)
    readings, inputs = discharge(parameters)
    state = estimate.first_state(parameters, estimate.ages_days(parameters, NOW))
    load = np.full(parameters.systems, 80.0)
    twins = [ScalarTwin(parameters.pick(i)) for i in range(parameters.jars)]
    vector = milliseconds(lambda: twin.advance(state.circuit, parameters, inputs, SCAN), 300)
    whole = milliseconds(lambda: estimate.step(state, parameters, readings, NOW, SCAN), 200)
    runtimes = milliseconds(lambda: estimate.runtime(state, parameters, load), 200)
    peer = milliseconds(lambda: loop(twins, inputs), 3)
    print(f"twin, one scan of {parameters.jars:,} jars, median [ms]")
    print(f"  array step                 {vector:9.3f}   target 0.5")
    print(f"  plain Python loop (peer)   {peer:9.1f}   {peer / vector:.0f} times as long")
    print(f"  twin, ageing, life: step   {whole:9.3f}   target 3")
    print(f"  runtime of the systems     {runtimes:9.3f}")


if __name__ == "__main__":
    main()
