"""Plots of an evaluation, as PNG files; matplotlib is imported when the first is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from analytics.metrics import BANDS, COVERED, Prediction, covered, jar_weights
from analytics.outcomes import Outcomes
from analytics.parameters import DAYS_PER_YEAR
from server.learning.evaluation import FUSED, MEAN_LIFE, MODEL, OF_YEAR, TWIN, Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE: Final = (6.4, 4.0)  # inches
_DPI: Final = 80
_LONGEST: Final = 11.0  # a, of the axes
_GROUPS: Final = 12  # of predictions, in the calibration plot
_COMPARED: Final = {
    MODEL: "model",
    TWIN: "twin",
    FUSED: "fused",
    MEAN_LIFE: "mean life less age",
    OF_YEAR: "ideal observer",
}


def draw(evaluation: Evaluation, folder: Path) -> dict[str, Path]:
    """Draw all plots into a folder, which is made; their captions and files."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = {
        "Predicted against lived": ("model-predicted-lived.png", _predicted_against_lived),
        "Calibration of the 90 % interval": ("model-calibration.png", _calibration),
        "Error by life left": ("model-bands.png", _by_band),
        "Coverage by site": ("model-sites.png", _by_site),
    }
    drawn = {}
    for caption, (name, plot) in plots.items():
        from matplotlib.figure import Figure

        figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
        plot(figure.subplots(), evaluation)
        figure.savefig(folder / name, metadata={"Software": None})
        drawn[caption] = folder / name
    return drawn


def _predicted_against_lived(axes: Axes, evaluation: Evaluation) -> None:
    outcomes, said = evaluation.outcomes, evaluation.said[MODEL]
    rows = outcomes.failed & np.isfinite(said.days)
    years = (outcomes.lived[rows] / DAYS_PER_YEAR, said.days[rows] / DAYS_PER_YEAR)
    axes.hexbin(
        *years, gridsize=48, extent=(0, _LONGEST, 0, _LONGEST), bins="log", cmap="Greys", linewidths=0
    )
    axes.plot((0, _LONGEST), (0, _LONGEST), color="tab:orange", linewidth=1)
    axes.set(xlabel="lived [a]", ylabel="predicted [a]", xlim=(0, _LONGEST), ylim=(0, _LONGEST))


def _calibration(axes: Axes, evaluation: Evaluation) -> None:
    for name, colour in ((MODEL, "tab:blue"), (TWIN, "tab:green"), (FUSED, "tab:purple")):
        predicted, share = calibration(evaluation.said[name], evaluation.outcomes)
        axes.plot(
            predicted / DAYS_PER_YEAR, 100 * share, "o-", color=colour, label=_COMPARED[name], markersize=3
        )
    axes.axhline(100 * COVERED, color="black", linewidth=1, linestyle="--")
    axes.set(xlabel="predicted [a]", ylabel="lives that end inside [%]", ylim=(50, 101))
    axes.legend(loc="lower right")


def calibration(said: Prediction, outcomes: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """Mean prediction [d] and share of lives inside the interval, by groups of like predictions."""
    inside, known = covered(said, outcomes)
    rows = known & np.isfinite(said.days)
    days, hit, weight = said.days[rows], inside[rows], jar_weights(outcomes.unit[rows])
    group = np.minimum(
        np.argsort(np.argsort(days, kind="stable")) * _GROUPS // max(len(days), 1), _GROUPS - 1
    )
    total = np.bincount(group, weight)
    return np.bincount(group, weight * days) / total, np.bincount(group, weight * hit) / total


def _by_band(axes: Axes, evaluation: Evaluation) -> None:
    width = 0.8 / len(_COMPARED)
    for i, (name, label) in enumerate(_COMPARED.items()):
        errors = [band.mae for band in evaluation.figures[name].bands]
        axes.bar(np.arange(len(errors)) + (i - 2) * width, errors, width, label=label)
    axes.set_xticks(range(len(BANDS)), [band_name(low, high) for low, high in BANDS])
    axes.set(xlabel="really left", ylabel="MAE [d]")
    axes.legend()


def band_name(low: float, high: float) -> str:
    """A band of lives in words."""
    return f"over {low:g} a" if high >= BANDS[-1][1] else f"{low:g} to {high:g} a"


def _by_site(axes: Axes, evaluation: Evaluation) -> None:
    for shift, name, colour in ((-0.2, MODEL, "tab:blue"), (0.2, FUSED, "tab:purple")):
        places = evaluation.figures[name].places
        at = np.arange(len(places)) + shift
        axes.bar(at, [100 * place.coverage for place in places], 0.4, color=colour, label=_COMPARED[name])
    names = [evaluation.sites[place.site] for place in evaluation.figures[MODEL].places]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.axhline(100 * COVERED, color="black", linewidth=1, linestyle="--")
    axes.set(ylabel="lives that end inside [%]", ylim=(50, 101))
    axes.legend(loc="lower right")
