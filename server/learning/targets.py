"""What is asked of predictions of remaining life (R2, R5), each with what was reached; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from analytics.gate import OBEYING
from analytics.metrics import HORIZONS, Metrics
from server.learning.evaluation import MEAN_LIFE, MODEL, OF_YEAR, Evaluation

BETTER: Final = 0.30  # than mean life less age, of its MAE
ABOVE_FLOOR: Final = 0.10  # of the floor's MAE
COVERAGE: Final = (0.88, 0.92)
COVERAGE_OF_SITE: Final = 0.85
BIAS: Final = 0.20  # under a year
AUROC: Final = 0.95  # of failure within 180 days
SEED_MAE: Final = 0.10  # of the mean life left
SEED_R2: Final = 0.80


@dataclass(frozen=True)
class Target:
    """One line of a report."""

    asked: str
    goal: str
    reached: str
    met: bool


def targets(evaluation: Evaluation, name: str = MODEL) -> tuple[Target, ...]:
    """Every target, and how predictor `name` does; the gate of Arrhenius is the learnt model's."""
    own, others = evaluation.figures[name], evaluation.figures
    return (
        *_errors(own, others[MEAN_LIFE], others[OF_YEAR]),
        *_interval(own, evaluation),
        *_soon(own),
        Target(
            "+10 °C takes 40 to 50 % of the life left",
            f"{OBEYING:.0%} of jars",
            f"{evaluation.verdict.obeying:.1%}",
            evaluation.verdict.passed,
        ),
        *seed_targets(own),
    )


def seed_targets(own: Metrics) -> tuple[Target, Target]:
    """The first targets that were set, which say nothing unless the spread between units is named."""
    return (
        Target(
            "MAE against mean life left",
            f"< {SEED_MAE:.0%}",
            f"{own.mae / own.mean:.1%}",
            own.mae < SEED_MAE * own.mean,
        ),
        Target("R²", f"> {SEED_R2:.2f}", f"{own.r2:.3f}", own.r2 > SEED_R2),
    )


def _errors(own: Metrics, mean_life: Metrics, ideal: Metrics) -> tuple[Target, ...]:
    better, above = 1 - own.mae / mean_life.mae, own.mae / ideal.mae - 1
    return (
        Target("MAE below that of mean life less age", f">= {BETTER:.0%}", f"{better:.1%}", better >= BETTER),
        Target(
            "MAE above that of the ideal observer (noise floor)",
            f"<= {ABOVE_FLOOR:.0%}",
            f"{above:+.1%}",
            above <= ABOVE_FLOOR,
        ),
    )


def _interval(own: Metrics, evaluation: Evaluation) -> tuple[Target, ...]:
    low, high = COVERAGE
    worst = min(own.places, key=lambda place: place.coverage)
    return (
        Target(
            "lives that end inside the 90 % interval",
            f"{low:.0%} to {high:.0%}",
            f"{own.coverage:.1%}",
            low <= own.coverage <= high,
        ),
        Target(
            "the same at the worst site",
            f">= {COVERAGE_OF_SITE:.0%}",
            f"{worst.coverage:.1%} ({evaluation.sites[worst.site]})",
            worst.coverage >= COVERAGE_OF_SITE,
        ),
    )


def _soon(own: Metrics) -> tuple[Target, ...]:
    auroc = own.auroc[HORIZONS.index(180)]
    return (
        Target(
            "bias where less than a year is predicted",
            f"< {BIAS:.0%}",
            f"{own.bias_predicted_under_year:+.1%}",
            abs(own.bias_predicted_under_year) < BIAS,
        ),
        Target(
            "bias where, in hindsight, less than a year was left",
            f"< {BIAS:.0%}",
            f"{own.bias_under_year:+.1%}",
            abs(own.bias_under_year) < BIAS,
        ),
        Target("AUROC of failure within 180 days", f">= {AUROC:.2f}", f"{auroc:.3f}", auroc >= AUROC),
    )
