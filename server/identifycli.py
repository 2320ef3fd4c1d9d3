"""`voltkeep identify`: figures of a jar model for the twin, from measured discharges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import typer

from config.fleetfile import JarModel, TwinPart
from server.console import err, out
from server.errors import RequestError
from server.visit import Config, Home, settings_of

if TYPE_CHECKING:
    from analytics.identify import Discharge, Figure, Recording

UNITS: Final = {
    "capacity": "Ah",
    "resistance": "mΩ",
    "acid_full": "mol/l",
    "exchange": "1/h",
    "slow_time": "s",
}
PLAUSIBLE: Final = (0.6, 1.4)  # of the nominal voltage


def identify(
    files: Annotated[list[Path], typer.Argument(help="CSV files of one jar's discharges.")],
    model: Annotated[str, typer.Option("--model", help="Jar model of the fleet file.")],
    write: Annotated[Path | None, typer.Option("--write", help="File for the figures, as YAML.")] = None,
    hold_back: Annotated[
        int, typer.Option("--hold-back", min=0, help="Discharges, the last ones, that only judge.")
    ] = 1,
    soc: Annotated[
        float, typer.Option("--soc", min=0, max=100, help="State of charge at the start of a file [%].")
    ] = 100.0,
    charge_positive: Annotated[
        bool, typer.Option("--charge-positive", help="The current counts charge as positive.")
    ] = False,
    time: Annotated[str, typer.Option("--time", help="Column of the time [s].")] = "time_s",
    current: Annotated[str, typer.Option("--current", help="Column of the current [A].")] = "current_A",
    voltage: Annotated[str, typer.Option("--voltage", help="Column of the voltage [V].")] = "voltage_V",
    temperature: Annotated[
        str, typer.Option("--temperature", help="Column of the temperature [°C], or a number.")
    ] = "temperature_C",
    config: Config = None,
    home: Home = None,
) -> None:
    """Fit what the twin assumes of a jar model to measured discharges, and judge it on one held back.

    Paste what it prints under `models` of the fleet file.
    """
    from server.recordingfile import Columns, read_recording

    jar = _model(settings_of(config, home).fleet, model)
    columns = Columns(time, current, voltage, temperature)
    found: list[Discharge] = []
    for file in files:
        recording = read_recording(file, columns)
        if charge_positive:
            recording = replace(recording, current=-recording.current)
        found += _discharges(file, recording, jar, soc / 100)
    learnt = len(found) - min(hold_back, len(found) - 1)
    err.print(f"Fitting {learnt} of {len(found)} discharges: some seconds each")
    snippet = _identified(model, jar, found, learnt)
    if write is None:
        out.print(snippet)
        return
    try:
        write.write_text(snippet + "\n", encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{write} cannot be written: {error.strerror}.") from None
    out.print(f"{write} holds the figures; paste them into the fleet file.")


def _identified(name: str, jar: JarModel, found: Sequence[Discharge], learnt: int) -> str:
    """Fit, tell how it went, and give the figures as YAML."""
    from analytics.identify import fit

    part, figures = fit(jar, found[:learnt])
    fitted = jar.model_copy(update={"twin": part})
    out.print(f"{'':<16}{'before':>10}{'fitted':>10}{'uncertain by':>14}")
    for figure in figures:
        out.print(_line(figure))
    out.print(f"\n{'discharge':<24}{'open-loop error, mean [mV]':>28}{'before':>10}{'fitted':>10}")
    for i, discharge in enumerate(found):
        out.print(_judged(i, discharge, i < learnt, jar, fitted))
    out.print()
    return _snippet(name, part, learnt)


def _model(path: Path, name: str) -> JarModel:
    from config.fleetfile import read_fleet_file

    models = read_fleet_file(path).models
    if name not in models:
        raise RequestError(f"There is no jar model '{name}' in {path}; its models are {', '.join(models)}.")
    return models[name]


def _discharges(file: Path, recording: Recording, jar: JarModel, soc: float) -> tuple[Discharge, ...]:
    from analytics.identify import RecordingError, discharges

    middle, nominal = float(np.median(recording.voltage)), jar.nominal_voltage
    if not PLAUSIBLE[0] < middle / nominal < PLAUSIBLE[1]:
        raise RequestError(f"{file}: {middle:.4g} V is no voltage of a jar of {nominal:g} V.")
    try:
        return discharges(recording, jar, soc)
    except RecordingError as error:
        raise RequestError(f"{file}: {error}") from None


def _line(figure: Figure) -> str:
    unit = UNITS.get(figure.name, "")
    return (
        f"{figure.name:<16}{figure.before:>10.4g}{figure.fitted:>10.4g}{figure.error:>14.2g} {unit}".rstrip()
    )


def _judged(i: int, discharge: Discharge, learnt: bool, before: JarModel, after: JarModel) -> str:
    """One discharge: what it was, whether it was fitted, and its error before and after."""
    from analytics.identify import voltage_errors

    mean = discharge.drawn / discharge.hours
    what = f"{i + 1}: {discharge.drawn:.1f} Ah by {mean:.3g} A"
    errors = (1000 * float(np.abs(voltage_errors(model, discharge)).mean()) for model in (before, after))
    role = "fitted" if learnt else "held back"
    return f"{what:<32}{role:<20}" + "".join(f"{error:>10.0f}" for error in errors)


def _snippet(name: str, part: TwinPart, learnt: int) -> str:
    found = part.model_dump(exclude_none=True)
    figures = "\n".join(f"      {key}: {value:g}" for key, value in found.items())
    return f"models:\n  {name}:\n    twin:  # voltkeep identify, {learnt} discharges\n{figures}"
