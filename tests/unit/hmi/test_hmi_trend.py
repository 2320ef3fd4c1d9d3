"""Thinning a trend keeps its extremes, its order and its gaps; what is not plainly good is marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from hmi.trend import SHORTEST_GAP, Point, Stretch, stretches, thin, with_gaps

values = some.one_of(some.none(), some.floats(-100, 100))


def test_few_points_stay() -> None:
    points: list[Point] = [(0, 1.0), (10, None), (20, 2.0)]
    assert thin(points, 10) == points


def test_a_short_dip_is_kept() -> None:
    points: list[Point] = [(i, 13.65) for i in range(20_000)]
    points[7_777] = (7_777, 10.5)
    assert (7_777, 10.5) in thin(points, 600)


def test_a_gap_is_kept() -> None:
    points: list[Point] = [(i, None if 5_000 <= i < 9_000 else 13.65) for i in range(20_000)]
    gap = [time for time, value in thin(points, 600) if value is None]
    assert min(gap) == 5_000
    assert max(gap) > 8_900


def test_silence_becomes_a_gap() -> None:
    scan = 5_000_000
    points: list[Point] = [(i * scan, 13.65) for i in range(100) if not 40 <= i < 60]
    filled = with_gaps(points)
    assert [time for time, value in filled if value is None] == [39 * scan + 1]
    assert [point for point in filled if point[1] is not None] == points


def test_a_missed_scan_is_no_gap() -> None:
    points: list[Point] = [(i * 5_000_000, 13.65) for i in range(100) if i != 50]
    assert with_gaps(points) == points


def test_slow_scans_are_no_gaps() -> None:
    points: list[Point] = [(i * 2 * SHORTEST_GAP, 13.65) for i in range(10)]
    assert with_gaps(points) == points
    assert with_gaps([]) == []


def test_a_past_in_minutes_that_goes_on_in_seconds_has_no_gaps() -> None:
    minutes: list[Point] = [(i * 60_000_000, 1.0) for i in range(50)]
    seconds: list[Point] = [(minutes[-1][0] + i * 5_000_000, 1.0) for i in range(1, 2_000)]
    assert with_gaps(minutes + seconds) == minutes + seconds
    without = minutes[:20] + minutes[40:] + seconds
    assert [time for time, value in with_gaps(without) if value is None] == [minutes[19][0] + 1]


def test_stretches_are_runs_of_the_same_mark() -> None:
    marks = [(1, ""), (2, "bad"), (3, "bad"), (4, "simulated"), (5, ""), (6, "bad")]
    assert stretches(marks) == [Stretch("bad", 2, 3), Stretch("simulated", 4, 4), Stretch("bad", 6, 6)]
    assert stretches([(0, "partly"), (10, "partly"), (20, "")], 10) == [Stretch("partly", 0, 20)]


@given(some.lists(values, min_size=1, max_size=400), some.integers(2, 50))
def test_extremes_order_and_size(column: list[float | None], most: int) -> None:
    points: list[Point] = [(i * 1000, value) for i, value in enumerate(column)]
    thinned = thin(points, most)
    assert set(thinned) <= set(points)
    assert thinned == sorted(thinned, key=lambda point: point[0])
    assert len(thinned) <= max(3 * (most // 2 + 1), most)
    good = [value for value in column if value is not None]
    if good:
        kept = [value for _, value in thinned if value is not None]
        assert (min(kept), max(kept)) == (min(good), max(good))
