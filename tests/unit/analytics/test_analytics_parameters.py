"""The tables: published values of the acid's voltage, and jars scaled from their nameplates."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from analyticsjars import HX, fleet_of, parameters_of, recording, settled

from analytics import ageing
from analytics.parameters import (
    CHEMISTRIES,
    Chemistry,
    Parameters,
    open_circuit_table,
    open_circuit_voltage,
)
from analytics.twin import float_set_point, gassing_current, open_circuit
from config.fleetfile import FleetFile, TwinPart
from nodeset.fleet import build_fleet

TEN_HOUR_CAPACITY = 119.36  # Ah, what the independent model gives at 12 A: `soc_c10` counts against it


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
    drawn = (1 - record["soc_c10"][at_rest]) * TEN_HOUR_CAPACITY
    volts, _ = open_circuit(p, 1 - drawn / p.capacity)
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
    assert open_circuit(p, np.array([1.0]))[0][0] == pytest.approx(p.full[0])


def test_a_model_has_figures_of_its_own() -> None:
    twin = TwinPart(capacity=132.0, resistance=5.1, acid_full=5.0, diffusion=0.1)
    own = HX.model_copy(update={"twin": twin})
    p, plain = parameters_of(2, own), parameters_of(2)
    assert p.capacity == pytest.approx(plain.capacity)  # rated: state of health is measured against it
    assert p.fresh == pytest.approx([1.1, 1.1])
    assert p.ohmic == pytest.approx([1.5, 1.5])
    assert p.diffusion == pytest.approx([0.1, 0.1])
    assert p.slow_time == pytest.approx(plain.slow_time)
    volts, _ = open_circuit(p, np.ones(2))
    assert volts == pytest.approx(6 * open_circuit_voltage(np.array([5.0]))[0])
    state, estimates = settled(p)
    assert estimates.soh == pytest.approx([110.0, 110.0])
    assert ageing.resistance_under_load(p, state.ageing) == pytest.approx([5.1, 5.1])


def test_models_of_one_chemistry_stand_side_by_side() -> None:
    own = HX.model_copy(update={"twin": TwinPart(acid_full=5.0)})
    models = {"A": HX.model_dump(), "B": own.model_dump()}
    parts = {
        name: {"model": model, "jars": 2, "installed": "2022-01-01", "first_serial": f"{name}01"}
        for name, model in (("S01", "A"), ("S02", "B"), ("S03", "A"))
    }
    system = {"kind": "UPS", "rated_power": 100, "strings": parts}
    site = {"region": "Bangkok", "latitude": 13.7, "longitude": 100.5, "systems": {"UPS-1": system}}
    p = Parameters.of(
        build_fleet(FleetFile.model_validate({"name": "T", "models": models, "sites": {"X": site}}))
    )
    volts, _ = open_circuit(p, np.ones(6))
    assert volts[[0, 1, 4, 5]] == pytest.approx(open_circuit(parameters_of(1), np.ones(1))[0][0])
    assert volts[[2, 3]] == pytest.approx(6 * open_circuit_voltage(np.array([5.0]))[0])


def test_every_figure_of_a_model_is_one_of_its_chemistry() -> None:
    figures = set(TwinPart.model_fields) - {"capacity", "resistance"}
    assert figures <= {f.name for f in fields(Chemistry)}
    for chemistry in CHEMISTRIES.values():
        TwinPart.model_validate({name: getattr(chemistry, name) for name in figures})


def test_picked_jar_is_that_jar() -> None:
    fleet = fleet_of(4, strings=2)
    p = Parameters.of(fleet)
    one = p.pick(6)
    assert one.jars == 1
    assert one.string_of_jar[0] == 1
    assert one.ocv is p.ocv
