"""The learnt model: what it says of jars it never saw, why, and that its artefact is the same every time."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from analytics.features import FEATURES, shifted
from analytics.model import RulModel
from analytics.modelfile import ArtefactError
from analytics.outcomes import Ending, Outcomes
from analytics.splits import Split, split
from analytics.training import INPUTS, TrainingError, data_hash, train
from tests.unit.analytics.learntjars import (
    NOMINAL,
    ORIGIN,
    SMALL,
    UNSEEN,
    column,
    outcomes_of,
    small_model,
)

ENERGY = 50_000.0  # J/mol


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return outcomes_of(101)


@pytest.fixture(scope="module")
def model(outcomes: Outcomes) -> RulModel:
    return small_model(outcomes)


@pytest.fixture(scope="module")
def unseen() -> Outcomes:
    return outcomes_of(201)


def test_it_beats_mean_life_less_age_on_jars_it_never_saw(model: RulModel, unseen: Outcomes) -> None:
    said = model.predict(unseen.features)
    mean_life = np.maximum(
        NOMINAL / unseen.features[:, column("arrhenius_factor")]
        - unseen.features[:, column("calendar_age_days")],
        0,
    )
    error, plain = (np.abs(days - unseen.lived).mean() for days in (said.days, mean_life))
    assert error < 0.7 * plain


def test_the_interval_covers_nine_of_ten_jars_at_each_site_and_at_short_and_long_lives(
    model: RulModel, unseen: Outcomes
) -> None:
    said = model.predict(unseen.features)
    inside = (said.lower <= unseen.lived) & (unseen.lived <= said.upper)
    assert 0.86 < inside.mean() < 0.95
    for site in np.unique(unseen.site):
        assert inside[unseen.site == site].mean() > 0.82
    for low, high in ((0, 500), (500, 1_500), (1_500, 9_000)):
        assert inside[(said.days >= low) & (said.days < high)].mean() > 0.77


def test_ten_kelvin_more_take_nearly_half_of_every_life_and_nothing_in_the_wrong_direction(
    model: RulModel, unseen: Outcomes
) -> None:
    before = model.predict(unseen.features)
    last = before.days
    for kelvin in (2.0, 5.0, 10.0):
        after = model.predict(shifted(unseen.features, kelvin, ENERGY)).days
        assert (after < last).all()
        last = after
    lost = 1 - last / before.days
    assert ((lost > 0.4) & (lost < 0.5)).mean() > 0.99


def test_more_of_a_monotone_feature_never_helps_or_never_harms(model: RulModel, unseen: Outcomes) -> None:
    some = unseen.features[::50]
    before = model.predict(some).days
    for feature in FEATURES:
        if feature.monotone == 0 or feature.temperature:
            continue
        more = some.copy()
        more[:, column(feature.name)] += 5.0
        change = (model.predict(more).days - before) * feature.monotone
        assert (change > -1e-6).all(), feature.name


def test_contributions_add_up_to_the_median(model: RulModel, unseen: Outcomes) -> None:
    some = unseen.features[::40]
    said = model.contributions(some)
    assert said.shape == some.shape
    together = model.usual_days(some) + said.sum(axis=1)
    np.testing.assert_allclose(together, model.predict(some).days, rtol=1e-6, atol=1e-6)


def test_a_hot_room_and_a_risen_resistance_count_against_a_jar(model: RulModel, unseen: Outcomes) -> None:
    said = model.contributions(unseen.features)
    hot = unseen.features[:, column("arrhenius_factor")] > 1.15
    assert (said[hot, column("arrhenius_factor")] < 0).all()
    worn = unseen.features[:, column("resistance_rise")] > 35
    assert (said[worn, column("resistance_rise")] < 0).mean() > 0.95


def test_jars_that_soon_fail_are_told_from_those_that_do_not(model: RulModel, unseen: Outcomes) -> None:
    chance = model.failure_probability(unseen.features, 180.0)
    assert ((chance >= 0) & (chance <= 1)).all()
    fail = unseen.lived <= 180
    pairs = chance[fail][:, None] > chance[~fail][None, ::20]
    assert pairs.mean() > 0.92
    assert abs(chance.mean() - fail.mean()) < 0.03
    assert (model.failure_probability(unseen.features, 90.0) <= chance).all()


def test_a_jar_unlike_all_that_were_seen_is_not_trusted(model: RulModel, unseen: Outcomes) -> None:
    some = unseen.features[::100]
    usual = model.predict(some).confidence
    assert (usual > 0.5).mean() > 0.95
    strange = some.copy()
    strange[:, column("resistance_rise")] = 400
    assert (model.predict(strange).confidence < 0.5).all()
    lacking = some.copy()
    lacking[:, column("resistance_rise")] = np.nan
    assert (model.predict(lacking).confidence < usual).all()


def test_without_a_temperature_nothing_is_said(model: RulModel, unseen: Outcomes) -> None:
    some = unseen.features[:2].copy()
    some[0, column("arrhenius_factor")] = np.nan
    said = model.predict(some)
    assert np.isnan([said.days[0], said.lower[0], said.upper[0]]).all()
    assert said.confidence[0] == 0
    assert np.isfinite(said.days[1])


def test_a_jar_built_for_half_the_life_is_the_same_jar_at_twice_the_pace(
    model: RulModel, unseen: Outcomes
) -> None:
    some = unseen.features[::100]
    short = some.copy()
    for name in ("nominal_life_days", "calendar_age_days", "effective_age_days", "resistance_days_to_limit"):
        short[:, column(name)] /= 2
    for feature in FEATURES:
        if "slope" in feature.name:
            short[:, column(feature.name)] *= 2
    np.testing.assert_allclose(model.predict(short).days, model.predict(some).days / 2, rtol=1e-3)


def test_no_booster_looks_at_what_follows_the_temperature(model: RulModel) -> None:
    assert not {f.name for f in FEATURES if f.temperature} & set(model.card.inputs)
    assert model.card.inputs == INPUTS


def test_the_artefact_gives_the_same_model_back(model: RulModel, unseen: Outcomes) -> None:
    content = model.to_bytes()
    again = RulModel.from_bytes(content)
    assert again.to_bytes() == content
    assert again.card == model.card
    some = unseen.features[::100]
    np.testing.assert_array_equal(again.predict(some).days, model.predict(some).days)
    np.testing.assert_array_equal(again.cases.features, model.cases.features)


def test_training_again_gives_the_same_bytes(model: RulModel, outcomes: Outcomes) -> None:
    assert small_model(outcomes).to_bytes() == model.to_bytes()


def test_the_version_tells_models_apart(model: RulModel, outcomes: Outcomes) -> None:
    other = train(outcomes, split(outcomes, UNSEEN), ORIGIN, replace(SMALL, iterations=81))
    assert other.version != model.version
    assert model.version.startswith("rul-")


def test_the_card_says_where_the_model_comes_from(model: RulModel, outcomes: Outcomes) -> None:
    card = model.with_metrics({"mae_days": 123.0}).card
    assert card.seeds == (101,)
    assert card.data_hash == data_hash(outcomes)
    assert card.unseen_sites == ("Third",)
    assert sum(card.rows.values()) == outcomes.rows
    assert card.strings == {"train": 18, "calibration": 6, "test": 6, "unseen": 15}
    assert card.metrics == {"mae_days": 123.0}


def test_cases_are_failed_jars_at_several_times_before_their_end(model: RulModel, outcomes: Outcomes) -> None:
    cases = model.cases
    assert 500 < cases.count <= 2_000
    assert (cases.ending == Ending.WORN).all()
    _, times = np.unique(cases.unit, return_counts=True)
    assert times.max() == 5
    learnt_from = np.unique(outcomes.unit[split(outcomes, UNSEEN).train])
    assert np.isin(cases.unit, learnt_from).all()
    assert cases.importance.sum() == pytest.approx(1.0)


def test_an_artefact_that_is_none_is_refused_in_words(model: RulModel) -> None:
    content = model.to_bytes()
    for damaged in (b"", b"nothing", content[:2_000]):
        with pytest.raises(ArtefactError, match="no model of Voltkeep"):
            RulModel.from_bytes(damaged)
    with pytest.raises(ArtefactError, match="format 2"):
        RulModel.from_bytes(_changed(content, b'"format": 1', b'"format": 2'))
    with pytest.raises(ArtefactError, match="other features"):
        RulModel.from_bytes(_changed(content, b'"season_sin"', b'"season_sine"'))


def test_too_few_failures_are_told(outcomes: Outcomes) -> None:
    alive = replace(outcomes, failed=np.zeros(outcomes.rows, np.bool_))
    with pytest.raises(TrainingError, match="0 were seen to fail"):
        train(alive, split(alive, UNSEEN), ORIGIN, SMALL)


def test_lives_of_which_the_end_was_not_seen_do_not_make_predictions_short(unseen: Outcomes) -> None:
    """Jars followed for at most 2,700 days each: half of them outlive that."""
    cut = outcomes_of(103, follow=2_700.0)
    assert 0.2 < 1 - cut.failed.mean() < 0.8
    model = small_model(cut)
    young = unseen.features[:, column("calendar_age_days")] < 300
    warm = unseen.site == 1
    error = model.predict(unseen.features).days - unseen.lived
    assert abs(np.median(error[young & warm])) < 250


def test_progress_goes_from_nothing_to_all(outcomes: Outcomes) -> None:
    told: list[float] = []
    train(outcomes, split(outcomes, UNSEEN), ORIGIN, replace(SMALL, iterations=10), told.append)
    assert told == sorted(told)
    assert 0.9 < told[-1] <= 1.0


def test_rows_of_parts_that_judge_are_not_learnt_from(model: RulModel, outcomes: Outcomes) -> None:
    parts = split(outcomes, UNSEEN)
    judged = parts.test | parts.unseen
    other = replace(outcomes, lived=np.where(judged, 1.0, outcomes.lived))
    assert train(other, Split(**vars(parts)), ORIGIN, SMALL).boosters == model.boosters


def _changed(content: bytes, old: bytes, new: bytes) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as file, zipfile.ZipFile(changed, "w") as other:
        for entry in file.infolist():
            part = file.read(entry)
            other.writestr(entry, part.replace(old, new) if entry.filename == "manifest.json" else part)
    return changed.getvalue()
