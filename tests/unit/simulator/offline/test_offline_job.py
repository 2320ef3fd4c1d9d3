"""What can be asked of an offline run, and how a fleet is cut for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from offlineruns import DAY, SECOND, two_sites
from smallfleets import file_of

from config.fleetfile import FleetFile, JarPart
from simulator.offline.errors import OfflineError
from simulator.offline.groups import MOST_JARS, groups_of
from simulator.offline.job import Content, Job, job_of


def job(**changed: Any) -> Job:
    """Two years from 2024 on, but for what is changed."""
    wanted = {"first": dt.date(2024, 1, 1), "span": (2.0, None), "step": 60.0} | changed
    return job_of(two_sites(), 7, **wanted)


def test_years_are_those_of_the_calendar() -> None:
    assert job().end - job().start == 731 * DAY
    assert job().steps == 731 * 1440
    leap_day = job(first=dt.date(2024, 2, 29), span=(1.0, None))
    assert leap_day.end - leap_day.start == 365 * DAY
    assert job(span=(1.5, None)).end - job().start == (366 + 182) * DAY


def test_days_win_over_years_and_a_last_step_may_be_short() -> None:
    short = job(span=(2.0, 0.01), step=100.0)
    assert short.end - short.start == 864 * SECOND
    assert short.steps == 9


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"step": 0.5}, "--step 0.5: must be from 1 to 3600 s"),
        ({"step": 7200.0}, "--step 7200"),
        ({"step": float("nan")}, "--step nan"),
        ({"sites": ("Bangrak", "Atlantis")}, "unknown site 'Atlantis' .known: Bangrak, Phuket."),
        ({"span": (0.0, None)}, "at least one step"),
        ({"span": (2.0, 0.0001)}, "at least one step"),
        ({"first": dt.date(1999, 12, 31)}, "must lie between 2000-01-01 and 2100-01-01"),
        ({"span": (90.0, None)}, "must lie between"),
        ({"span": (1e6, None)}, "must lie between"),
        ({"contents": ()}, "nothing to write"),
    ],
)
def test_what_cannot_be_done_is_refused_in_plain_words(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(OfflineError, match=words):
        job(**changed)


def test_sites_keep_the_fleets_order() -> None:
    assert job(sites=("Phuket", "Bangrak")).sites == ("Bangrak", "Phuket")
    assert job().sites == ("Bangrak", "Phuket")


def test_the_hash_is_of_what_the_fleet_file_says() -> None:
    assert job().fleet_hash == job(contents=(Content.RAW,)).fleet_hash
    other = two_sites().model_copy(update={"name": "Other"})
    assert job_of(other, 7, dt.date(2024, 1, 1), (1.0, None), 60.0).fleet_hash != job().fleet_hash


def _large(jars: dict[str, int]) -> FleetFile:
    """Sites with so many jars, in strings of 50."""
    file = file_of({name: {"U": (10.0, {"S": 1})} for name in jars})
    sites = {}
    for name, count in jars.items():
        site = file.sites[name]
        string = site.systems["U"].strings["S"].model_copy(update={"jars": 50})
        strings = {f"S{i}": string for i in range(count // 50)}
        system = site.systems["U"].model_copy(update={"strings": strings})
        sites[name] = site.model_copy(update={"systems": {"U": system}})
    return file.model_copy(update={"sites": sites})


def test_groups_hold_whole_sites_in_order_up_to_the_limit() -> None:
    assert MOST_JARS == 1100
    groups = groups_of(_large({"A": 500, "B": 600, "C": 50, "D": 2000, "E": 50, "F": 50}))
    assert [group.sites for group in groups] == [("A", "B"), ("C",), ("D",), ("E", "F")]
    assert [group.jars for group in groups] == [1100, 50, 2000, 100]


def test_only_groups_with_a_site_that_is_wanted_run() -> None:
    file = _large({"A": 1000, "B": 1000, "C": 1000})
    wanted = job_of(file, 1, dt.date(2024, 1, 1), (1.0, None), 60.0, ("B",))
    assert [group.sites for group in wanted.groups] == [("B",)]


def test_a_group_takes_the_particulars_of_its_own_jars_along() -> None:
    path = "Phuket/UPS-1/S01/J02"
    file = two_sites().model_copy(update={"jars": {path: JarPart(serial="X9")}})
    (group,) = groups_of(file)
    assert group.file.jars == file.jars
