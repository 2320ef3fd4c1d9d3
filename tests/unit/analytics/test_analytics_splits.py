from pathlib import Path

import numpy as np
import pytest

from analytics.outcomes import Outcomes
from analytics.splits import split, unseen_sites
from config.fleetfile import read_fleet_file

SITES = ["Chiangmai", "Phitsanulok", "Khon Kaen", "Bangrak", "Sriracha"]
STRINGS = 20  # a site
ROWS = 12  # a string


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    string = np.repeat(np.arange(len(SITES) * STRINGS), ROWS)
    n = len(string)
    return Outcomes(
        features=np.zeros((n, 2), np.float32),
        lived=np.ones(n),
        failed=np.ones(n, np.bool_),
        unit=np.arange(n),
        string=string + 101_000,
        site=(string // STRINGS).astype(np.intp),
        seed=np.full(n, 101),
        day=np.arange(n),
        ending=np.ones(n, np.int8),
    )


def test_sites_that_are_kept_back_are_found_by_name() -> None:
    assert unseen_sites(SITES) == (2, 4)
    assert unseen_sites(["Depot"]) == ()


def test_each_row_is_in_exactly_one_part(outcomes: Outcomes) -> None:
    parts = split(outcomes, (2, 4))
    together = np.array([parts.train, parts.calibration, parts.test, parts.unseen]).sum(axis=0)
    assert (together == 1).all()


def test_no_string_is_in_two_parts_and_no_site_kept_back_is_learnt_from(outcomes: Outcomes) -> None:
    parts = split(outcomes, (2, 4))
    strings = [
        set(outcomes.string[part]) for part in (parts.train, parts.calibration, parts.test, parts.unseen)
    ]
    assert sum(map(len, strings)) == len(set(outcomes.string))
    assert set(outcomes.site[parts.unseen]) == {2, 4}


def test_each_site_gives_60_20_20_of_its_strings(outcomes: Outcomes) -> None:
    parts = split(outcomes, (2, 4))
    for site in (0, 1, 3):
        shares = [
            len(set(outcomes.string[part & (outcomes.site == site)]))
            for part in (parts.train, parts.calibration, parts.test)
        ]
        assert shares == [12, 4, 4]


def test_the_order_of_rows_and_other_sites_change_nothing(outcomes: Outcomes) -> None:
    train = split(outcomes, (2, 4)).train
    order = np.random.default_rng(1).permutation(outcomes.rows)
    assert (split(outcomes.take(order), (2, 4)).train == train[order]).all()
    here = outcomes.site == 3
    assert (split(outcomes.take(here), ()).train == train[here]).all()


def test_strings_are_shuffled(outcomes: Outcomes) -> None:
    train = split(outcomes, ()).train[::ROWS][:STRINGS]
    assert 0 < train[:12].sum() < 12  # not the first twelve


def test_the_shipped_fleet_has_the_sites_that_are_kept_back() -> None:
    sites = read_fleet_file(Path("config/fleet.yaml")).sites
    assert len(unseen_sites(list(sites))) == 2
