"""The page that says how good a learnt model is: Markdown with tables and plots; no I/O but for `write`."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.metrics import HORIZONS, Metrics
from server.learning import reporttext as texts
from server.learning.evaluation import (
    AGE,
    FUSED,
    MEAN_LIFE,
    MODEL,
    OF_LIFETIME,
    OF_WEAR,
    OF_YEAR,
    TREND,
    TWIN,
    Evaluation,
)
from server.learning.plots import band_name, draw
from server.learning.targets import seed_targets, targets

_ORDER: Final = (MODEL, FUSED, TWIN, MEAN_LIFE, AGE, TREND, OF_YEAR, OF_LIFETIME, OF_WEAR)
_BOUNDS: Final = frozenset({OF_WEAR, TREND})  # whose interval says nothing


@dataclass(frozen=True)
class AtSpread:
    """How a model does that was trained and judged on fleets whose jars differ `spread` times as much."""

    spread: float
    figures: Metrics
    floor: Metrics


def write(evaluation: Evaluation, spreads: Sequence[AtSpread], out: Path) -> None:
    """Write the page to `out`, and its plots to the folder `images` beside it."""
    plots = draw(evaluation, out.parent / "images")
    images = {caption: path.relative_to(out.parent).as_posix() for caption, path in plots.items()}
    out.write_text(page(evaluation, spreads, images), encoding="utf-8")


def page(evaluation: Evaluation, spreads: Sequence[AtSpread], images: Mapping[str, str]) -> str:
    """The whole page."""
    parts = (
        _head(evaluation),
        _targets(evaluation),
        _side_by_side(evaluation),
        _worn(evaluation),
        _bands(evaluation),
        _sites(evaluation),
        "\n\n".join(["## Plots", *(f"![{caption}]({image})" for caption, image in images.items())]),
        _spreads(evaluation, spreads),
        _gate(evaluation),
        texts.PROVES,
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(evaluation: Evaluation) -> str:
    outcomes = evaluation.outcomes
    first, last = (_date(int(day)) for day in (outcomes.day.min(), outcomes.day.max()))
    figures = evaluation.figures[MODEL]
    unseen = " and ".join(evaluation.sites[site] for site in evaluation.unseen) or "none"
    return (
        "# How good the learnt model is\n\n"
        "Written by `voltkeep evaluate`; what the words mean stands in [analytics.md](analytics.md).\n\n"
        f"Model {evaluation.version}, judged on a simulated fleet that it has never met (seed"
        f" {evaluation.seed}): {figures.jars:,} jars, {figures.rows:,} predictions from {first} to {last},"
        " one a jar every 30 days. Its weather, outages, sensors and the life of each jar were drawn anew;"
        f" the sites {unseen} were in no training set. Every jar has the same say."
        f" {evaluation.left_out:.0%} of the jars came too late to be followed until 99 of 100 like them had"
        " failed, and are left out: else short lives would be judged more often than long ones."
    )


def _targets(evaluation: Evaluation) -> str:
    pairs = zip(targets(evaluation), targets(evaluation, FUSED), strict=True)
    rows = [
        (own.asked, own.goal, own.reached, _yes(own.met), both.reached, _yes(both.met)) for own, both in pairs
    ]
    table = _table(("asked", "goal", "model", "met", "fused", "met"), rows)
    return f"## Targets\n\n{table}\n\n{texts.ABOUT_TARGETS}"


def _side_by_side(evaluation: Evaluation) -> str:
    table = _compared((name, evaluation.figures[name]) for name in _ORDER)
    return f"## Side by side\n\n{table}\n\n{texts.ABOUT_OTHERS}"


def _worn(evaluation: Evaluation) -> str:
    sudden = 1 - evaluation.worn[MODEL].jars / max(evaluation.figures[MODEL].jars, 1)
    table = _compared((name, evaluation.worn[name]) for name in (MODEL, FUSED, OF_YEAR, OF_LIFETIME, OF_WEAR))
    return (
        "## Without sudden failures\n\n"
        f"{sudden:.1%} of these jars ended by an open or a shorted cell, which no reading announces."
        " The same without them, as far as jars are to be judged by their wear alone:\n\n"
        f"{table}"
    )


def _compared(figures: Iterable[tuple[str, Metrics]]) -> str:
    ranks = (f"AUROC {days} d" for days in HORIZONS)
    errors = ("MAE [d]", "RMSE [d]", "R²", "bias", "bias, < 1 a predicted", "bias, < 1 a left")
    head = ("", *errors, *ranks, "inside", "inside, by prediction", "width [d]")
    rows = []
    for name, each in figures:
        interval = ("", "", "") if name in _BOUNDS else _interval(each)
        rows.append(
            (
                name,
                _told(each.mae, ",.0f"),
                _told(each.rmse, ",.0f"),
                _told(each.r2, ".3f"),
                _told(each.bias, "+.1%"),
                _told(each.bias_predicted_under_year, "+.0%"),
                _told(each.bias_under_year, "+.0%"),
                *(_told(value, ".3f") for value in each.auroc),
                *interval,
            )
        )
    return _table(head, rows)


def _interval(figures: Metrics) -> tuple[str, str, str]:
    by_jar, by_row = _told(figures.coverage, ".1%"), _told(figures.coverage_of_rows, ".1%")
    return by_jar, by_row, _told(figures.width, ",.0f")


def _bands(evaluation: Evaluation) -> str:
    names = (MODEL, FUSED, TWIN, MEAN_LIFE, OF_YEAR)
    head = ("really left", "jars", *(f"MAE [d], {name}" for name in names), "model: inside", "fused: inside")
    rows = []
    for i, band in enumerate(evaluation.figures[MODEL].bands):
        errors = (_told(evaluation.figures[name].bands[i].mae, ",.0f") for name in names)
        fused = evaluation.figures[FUSED].bands[i].coverage
        rows.append(
            (
                band_name(band.low, band.high),
                _told(band.jars, ","),
                *errors,
                _told(band.coverage, ".0%"),
                _told(fused, ".0%"),
            )
        )
    return f"## By life left\n\n{_table(head, rows)}"


def _sites(evaluation: Evaluation) -> str:
    head = ("site", "jars", "MAE [d]", "R²", "inside", "fused: MAE [d]", "fused: inside", "observer: MAE [d]")
    rows = []
    every = zip(*(evaluation.figures[name].places for name in (MODEL, FUSED, OF_YEAR)), strict=True)
    for own, both, ideal in every:
        name = evaluation.sites[own.site] + (" (unseen)" if own.site in evaluation.unseen else "")
        fused = (_told(both.mae, ",.0f"), _told(both.coverage, ".1%"))
        mine = (
            _told(own.jars, ","),
            _told(own.mae, ",.0f"),
            _told(own.r2, ".3f"),
            _told(own.coverage, ".1%"),
        )
        rows.append((name, *mine, *fused, _told(ideal.mae, ",.0f")))
    return f"## By site\n\n{_table(head, rows)}"


def _spreads(evaluation: Evaluation, spreads: Sequence[AtSpread]) -> str:
    own = AtSpread(1.0, evaluation.figures[MODEL], evaluation.figures[OF_YEAR])
    head = (
        "spread between units",
        "MAE against mean life left",
        "R²",
        "both met",
        "ideal observer: MAE",
        "R²",
    )
    rows = []
    for each in (own, *spreads):
        error, r2 = seed_targets(each.figures)
        ideal = seed_targets(each.floor)
        met = _yes(error.met and r2.met)
        rows.append((f"{each.spread:g}", error.reached, r2.reached, met, ideal[0].reached, ideal[1].reached))
    about = f"{texts.ABOUT_SPREADS} {texts.OTHER_SPREADS}" if spreads else texts.ABOUT_SPREADS
    return f"## The first targets, and the spread at which they hold\n\n{about}\n\n{_table(head, rows)}"


def _gate(evaluation: Evaluation) -> str:
    verdict = evaluation.verdict
    found = "\n".join(f"- {finding}" for finding in verdict.findings) or "Nothing was found."
    return (
        "## The gate of physics (R5)\n\n"
        f"All temperature features 10 K warmer: {verdict.obeying:.1%} of the predictions shorten"
        f" by 40 to 50 %, {verdict.shorter:.1%} in the median. {found}"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _told(value: float, form: str) -> str:
    """A figure as text; a dash where there is none."""
    return format(value, form) if math.isfinite(value) else "–"


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"


def _date(day: int) -> str:
    return dt.date.fromordinal(dt.date(1970, 1, 1).toordinal() + day).isoformat()
