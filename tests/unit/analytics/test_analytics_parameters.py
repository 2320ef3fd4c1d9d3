"""The tables: published values of the acid's voltage, and jars scaled from their nameplates."""

from __future__ import annotations

import numpy as np
import pytest
from analyticsjars import HX, fleet_of, parameters_of, recording

from analytics.parameters import CHEMISTRIES, Parameters, open_circuit_table, open_circuit_voltage
from analytics.twin import float_set_point, gassing_current, open_circuit


def test_open_circuit_voltage_of_a_cell_is_nernsts() -> None:
    # Sulfuric acid of 1 mol/kg: 1.922 V (Bode 1977); a full starter cell of 1.28 kg/l has 2.12 to 2.13 V.
    one_molal = 1 / (0.0175 / 0.01802 + 0.045)
    assert open_circuit_voltage(np.array([one_molal]))[0] == pytest.approx(1.922, abs=1e-3)
    assert 2.10 < open_circuit_voltage(np.array([4.9]))[0] < 2.14


def test_open_circuit_voltage_rises_with_charge() -> None:
    for chemistry in CHEMISTRIES.values():
        assert (np.diff(open_circuit_table(chemistry)) > 0).all()


def test_open_circuit_voltage_agrees_with_an_independent_model_at_rest() -> None:
    record = recording("oracle/hppc_25C.csv")
    at_rest = np.flatnonzero(record["current_A"] == 0)[::5]
    p = parameters_of(len(at_rest))
    volts, _ = open_circuit(p, record["soc_c10"][at_rest])
    assert np.abs(volts - record["ocv_V"][at_rest]).max() < 0.005


def test_figures_of_a_jar_scale_with_its_model() -> None:
    small = HX.model_copy(
        update={"cells": 1, "capacity": 500.0, "nominal_voltage": 2.0, "float_voltage": 2.25}
    )
    p = parameters_of(2, small)
    assert open_circuit(p, np.ones(2))[0] == pytest.approx([2.165, 2.165], abs=2e-3)
    # -3 mV/cell/K: ten degrees above 25 °C take 30 mV from a cell.
    assert float_set_point(p, np.full(2, 35.0)) == pytest.approx([2.22, 2.22])
    # Schiffer et al. (2007): 20 mA for 100 Ah at 2.23 V and 20 °C.
    assert gassing_current(p, np.full(2, 2.23), np.full(2, 20.0)) == pytest.approx([0.1, 0.1])


def test_every_chemistry_of_the_fleet_file_has_figures() -> None:
    gel = HX.model_copy(update={"chemistry": "VRLA-GEL"})
    p = parameters_of(1, gel)
    assert p.chemistry[0] != parameters_of(1).chemistry[0]
    assert open_circuit(p, np.array([1.0]))[0][0] == pytest.approx(p.full[0])


def test_picked_jar_is_that_jar() -> None:
    fleet = fleet_of(4, strings=2)
    p = Parameters.of(fleet)
    one = p.pick(6)
    assert one.jars == 1
    assert one.string_of_jar[0] == 1
    assert one.ocv is p.ocv
