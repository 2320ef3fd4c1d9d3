"""Every aggregate against the example tables of Part 13, Annex A: each value, status and time."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest
from part13examples import EXAMPLES, SECOND, Table, samples, status, tables

from historian.aggregates import annotation_count, compute, intervals_of
from historian.aggregation import Aggregate
from historian.intervals import Processed

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="the examples of Part 13 are not there")
RAW, PROCESSED = tables() if EXAMPLES.exists() else ({}, [])
TOLERANCE: Final = 6e-4  # the file's values have three digits

# Rows of which the rules of the standard say otherwise than its examples: aggregate, historian, second of the
# interval -> value and status by the rules.
UNCERTAIN_ABOVE = "5.4.3.11, 5.4.3.13: an Uncertain value above the greatest Good one makes it Uncertain"
BAD_IS_BAD = "3.1.7, 3.1.9: as TreatUncertainAsBad says, the value before the bound is Bad, so the region is"
NO_TREATING = "5.4.3.36: TreatUncertainAsBad is ignored (as the tables of Historian3 and 4 have it)"
RULED: Final[dict[tuple[str, str, int], tuple[float, str, str]]] = {
    ("Maximum", "Historian5", 64): (30, "UncertainDataSubNormal, Calculated", UNCERTAIN_ABOVE),
    ("MaximumActualTime", "Historian5", 64): (30, "UncertainDataSubNormal", UNCERTAIN_ABOVE),
    ("Range", "Historian5", 64): (0, "UncertainDataSubNormal, Calculated", UNCERTAIN_ABOVE),
    ("DurationBad", "Historian3", 80): (3000, "Good, Calculated, Partial", BAD_IS_BAD),
    ("DurationBad", "Historian4", 80): (3000, "Good, Calculated, Partial", BAD_IS_BAD),
    ("PercentBad", "Historian3", 80): (29.997, "Good, Calculated, Partial", BAD_IS_BAD),
    ("PercentBad", "Historian4", 80): (29.997, "Good, Calculated, Partial", BAD_IS_BAD),
    ("WorstQuality2", "Historian2", 64): (
        status("Uncertain"),
        "Good, Calculated, MultipleValues",
        NO_TREATING,
    ),
    ("WorstQuality2", "Historian2", 80): (status("BadNoData"), "Good, Calculated, Partial", NO_TREATING),
}
# 5.4.3.8: Total is TimeAverage times the interval and slopes whatever the variable does; the table steps.
SLOPES_ALWAYS: Final = ("Total", "Historian3")


def found_of(table: Table) -> Processed:
    raw = samples(RAW[table.historian])
    if table.aggregate != "AnnotationCount":
        return compute(raw, table.aggregation, table.stepped)
    # The tables take every stored value for one with one annotation, whatever annotations the data lists.
    edges = table.aggregation.edges(0, len(table.rows))
    first, last = int(raw.time[0]), int(raw.time[-1])
    return annotation_count(
        raw.time, intervals_of(table.aggregation, edges, table.stepped, first, last, reference=0.0)
    )


@pytest.mark.parametrize(
    "table",
    [table for table in PROCESSED if (table.aggregate, table.historian) != SLOPES_ALWAYS],
    ids=lambda table: f"{table.aggregate}-{table.historian}",
)
def test_an_aggregate_is_as_in_the_examples(table: Table) -> None:
    found = found_of(table)
    for i, (time, value, code) in enumerate(table.rows):
        start = i * table.interval // SECOND
        ruled = RULED.get((table.aggregate, table.historian, start))
        if ruled is not None:
            assert (value, code) != (pytest.approx(ruled[0], abs=TOLERANCE), status(ruled[1])), "no exception"
            value, code = ruled[0], status(ruled[1])
        assert found.time[i] == time, start
        assert hex(found.status[i]) == hex(code), start
        np.testing.assert_allclose(found.value[i], value, atol=TOLERANCE, err_msg=str(start))


def test_a_total_of_a_stepped_variable_is_its_time_average_times_the_duration() -> None:
    """5.4.3.8, with the time averages of the examples."""
    by_name = {(table.aggregate, table.historian): table for table in PROCESSED}
    total, average = by_name[SLOPES_ALWAYS], by_name["TimeAverage", "Historian3"]
    found = found_of(total)
    durations = [3] + [5] * (len(total.rows) - 1)  # [s]; the first interval has data for 3 s
    for i, (time, value, code) in enumerate(average.rows):
        assert found.time[i] == time
        assert found.status[i] == code
        np.testing.assert_allclose(found.value[i], value * durations[i], atol=TOLERANCE * 5)


def test_annotations_are_counted_where_they_are() -> None:
    """Those that the data of Historian1 lists: two at 12:00:40, one at 12:00:50 and one at 12:01:10."""
    table = next(table for table in PROCESSED if table.aggregate == "AnnotationCount")
    edges = table.aggregation.edges(0, len(table.rows))
    intervals = intervals_of(table.aggregation, edges, False, 10 * SECOND, 90 * SECOND, reference=0.0)
    found = annotation_count(np.array([40, 40, 50, 70]) * SECOND, intervals)
    np.testing.assert_array_equal(found.value, [0, 0, 2, 1, 1, 0, np.nan])


def test_the_file_has_every_aggregate() -> None:
    assert {table.aggregation.aggregate for table in PROCESSED} == set(Aggregate)
    assert sum(len(table.rows) for table in PROCESSED) == 1393
