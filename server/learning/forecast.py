"""What a learnt model said of the whole fleet: the days with what they rest on, kept over a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.cases import Cases
from analytics.features import FEATURES, NAMES
from analytics.learnt import Learnt
from analytics.outcomes import Ending
from analytics.parameters import Array, Single
from analytics.similar import Similar

TOP: Final = 3
_AGE: Final = NAMES.index("calendar_age_days")
_ENDED: Final = {
    Ending.NONE: "failed",
    Ending.WORN: "was worn out, below the capacity of its end of life",
    Ending.OPEN: "failed with an open cell",
    Ending.SHORTED: "failed with a shorted cell",
    Ending.OTHER: "failed",
}


@dataclass(frozen=True)
class Reason:
    """Something that a prediction rests on, its share of the largest ones, and the days that it adds."""

    name: str
    share: float
    days: float


@dataclass(frozen=True)
class SimilarCase:
    """A jar that failed: its age when it was like this one, how long it lived on, and how it ended."""

    age: float  # d
    lived: float  # d
    ending: Ending
    distance: float  # 0: the same

    def __str__(self) -> str:
        """In words."""
        years = self.age / 365.25
        return f"A jar of {years:.1f} years {_ENDED[self.ending]} after another {self.lived:.0f} days"


@dataclass(frozen=True)
class Forecast:
    """What the model `version` said at `issued` [µs, the plant's time]; arrays of shape (jars, ...).

    `error` is the mean error that the model had on its test data [d], NaN where that is not known.
    """

    version: str
    issued: int
    error: float
    learnt: Learnt
    factors: NDArray[np.int16]  # (jars, TOP), numbers of features, the weightiest first
    factor_days: Single  # (jars, TOP)
    similar_age: Single  # (jars, cases), d
    similar_lived: Single  # d
    similar_ending: NDArray[np.int8]
    similar_distance: Single

    @property
    def jars(self) -> int:
        """How many jars the fleet has."""
        return len(self.learnt.days)

    def reasons(self, jar: int) -> tuple[Reason, ...]:
        """What the days of a jar rest on most, the weightiest first; shares sum to 1."""
        days = self.factor_days[jar].astype(np.float64)
        total = float(np.abs(days).sum())
        if not total > 0:
            return ()
        numbers = self.factors[jar].tolist()
        return tuple(
            Reason(FEATURES[number].description, abs(each) / total, each)
            for number, each in zip(numbers, days.tolist(), strict=True)
            if each
        )

    def similar(self, jar: int) -> tuple[SimilarCase, ...]:
        """Jars that were like this one and have failed, the most similar first."""
        columns = (self.similar_age, self.similar_lived, self.similar_ending, self.similar_distance)
        rows = zip(*(column[jar].tolist() for column in columns), strict=True)
        return tuple(SimilarCase(age, lived, Ending(ending), far) for age, lived, ending, far in rows)

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """For a file that outlives the process."""
        own = {f.name: np.asarray(getattr(self, f.name)) for f in fields(self) if f.name != "learnt"}
        return own | {f"learnt.{f.name}": getattr(self.learnt, f.name) for f in fields(Learnt)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], jars: int) -> Forecast | None:
        """What `as_arrays` gave; None when it is of another fleet, or of another version of Voltkeep."""
        names = {f.name for f in fields(cls)} - {"learnt"} | {f"learnt.{f.name}" for f in fields(Learnt)}
        if arrays.keys() != names or len(arrays["learnt.days"]) != jars:
            return None
        own = {name: array for name, array in arrays.items() if array.ndim == 2}
        return cls(
            str(arrays["version"]),
            int(arrays["issued"]),
            float(arrays["error"]),
            Learnt(**{f.name: arrays[f"learnt.{f.name}"] for f in fields(Learnt)}),
            **own,
        )


def forecast_of(
    version: str, issued: int, error: float, learnt: Learnt, added: Array, cases: Cases, found: Similar
) -> Forecast:
    """Put together what a model said; `added` is what each feature adds [d], shape (jars, features)."""
    known = np.nan_to_num(added)
    top = np.argsort(-np.abs(known), axis=1, kind="stable")[:, :TOP]
    return Forecast(
        version=version,
        issued=issued,
        error=error,
        learnt=learnt,
        factors=top.astype(np.int16),
        factor_days=np.take_along_axis(known, top, axis=1).astype(np.float32),
        similar_age=cases.features[found.case, _AGE],
        similar_lived=cases.lived[found.case].astype(np.float32),
        similar_ending=cases.ending[found.case],
        similar_distance=found.distance,
    )
