"""All that is said of a jar's remaining useful life (R4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np

from analytics.estimate import Factor
from analytics.workcalendar import TEXTS, notes_of
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.tags import Review, quarter_text
from server.learning.forecast import Forecast, Reason, SimilarCase
from server.scanning.prognosis import MODEL_VERSION, Prognosis, confidence_name

JAR: Final = AssetType.JAR
SIMULATED: Final = " (simulated)"


@dataclass(frozen=True)
class RulRecord:
    """Life left of a jar, with what it rests on; days are NaN where nothing is known.

    `issued` is when the learnt model spoke [µs], None where it has no share in this. A review is required
    where twin and model disagree. The quarter is that of the frame, such as 2027-Q1.
    """

    jar: str
    issued: int | None
    days: float  # d
    lower: float  # d, 90 % interval
    upper: float
    confidence: str  # High, Medium or Low
    twin_days: float
    model_days: float
    model_weight: float  # 0 to 0.4
    review_required: bool
    reasons: tuple[Reason, ...]
    similar: tuple[SimilarCase, ...]
    quarter: str
    quarter_notes: tuple[str, ...]  # what work in it has to reckon with: Songkran, monsoon
    model_version: str
    test_error: float  # d, of the learnt model; NaN where it has no share


def record_of(
    frame: Frame,
    jar: int,
    prognosis: Prognosis,
    forecast: Forecast | None,
    factors: Sequence[Factor] | None = None,
) -> RulRecord:
    """What `frame` shows of a jar and why; `prognosis` is what it was shown by, `forecast` the model's last.

    Where the model has a share its reasons are told, else the twin's: `factors`, if they are known already.
    """
    weight = float(prognosis.weight[jar])
    heard = forecast if weight > 0 else None
    status = int(frame.column_status(JAR, "RemainingUsefulLife")[jar])

    def number(name: str) -> float:
        bad = st.is_bad_code(int(frame.column_status(JAR, name)[jar]))
        return nan if bad else float(frame.column(JAR, name)[jar])

    quarter = number("ReplacementQuarter")
    return RulRecord(
        jar=frame.index.fleet.jars[jar].path,
        issued=None if heard is None else heard.issued,
        days=number("RemainingUsefulLife"),
        lower=number("RemainingUsefulLifeLower"),
        upper=number("RemainingUsefulLifeUpper"),
        confidence=confidence_name(frame.column(JAR, "RulConfidence")[jar]),
        twin_days=number("RulTwinDays"),
        model_days=number("RulMlDays"),
        model_weight=weight,
        review_required=number("RulReview") == Review.REQUIRED,
        reasons=_of_twin(factors or prognosis.explain(jar)) if heard is None else heard.reasons(jar),
        similar=() if heard is None else heard.similar(jar),
        quarter="" if np.isnan(quarter) else quarter_text(quarter),
        quarter_notes=_notes(frame, jar, quarter),
        model_version=version_of(heard, simulated=status == st.UNCERTAIN_SIMULATED_VALUE),
        test_error=nan if heard is None else heard.error,
    )


def _notes(frame: Frame, jar: int, quarter: float) -> tuple[str, ...]:
    if np.isnan(quarter):
        return ()
    fleet = frame.index.fleet
    region = fleet.sites[int(fleet.site_of_jar[jar])].region
    return tuple(TEXTS[note] for note in notes_of(region, int(quarter)))


def records_of(
    frame: Frame,
    jars: Sequence[int],
    plant: Prognosis,
    shown_by: Callable[[int], Prognosis],
    forecast: Forecast | None,
) -> Iterator[RulRecord]:
    """`record_of` many jars, one after another; the twin's reasons are worked out first, for all."""
    told = plant.explain_all()
    for jar in jars:
        prognosis = shown_by(jar)
        factors = told[jar] if prognosis is plant else None
        yield record_of(frame, jar, prognosis, forecast, factors)


def version_of(heard: Forecast | None, *, simulated: bool) -> str:
    """Who answers: the twin, the model beside it where it has a share, and whether of what is simulated."""
    version = MODEL_VERSION if heard is None else f"{MODEL_VERSION}+{heard.version}"
    return version + SIMULATED if simulated else version


def _of_twin(factors: Sequence[Factor]) -> tuple[Reason, ...]:
    return tuple(Reason(factor.name, factor.share, nan) for factor in factors)
