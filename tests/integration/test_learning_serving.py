"""What the process that predicts can do, asked without the process: a database and a model are enough."""

from __future__ import annotations

from pathlib import Path

import fakemodels
import numpy as np
import psycopg
import pytest
from opcuaserver import FLEET_FILE

from analytics.features import NAMES
from analytics.history import Days, Units
from analytics.parameters import Parameters
from analytics.windows import YEAR
from historian.migrate import migrate
from historian.predictions import read_predictions
from nodeset.fleet import Fleet
from server.learning.serving import DAY, Place, Serving

NOW = 20_700 * DAY + DAY // 3
JARS = 16
FIRST = "Bangrak/UPS-1/S01/J01"
_MODEL = (
    "INSERT INTO model (version, kind, created, trained_from, trained_to, data_hash, metrics, state) "
    "VALUES (%s, 'rul', now(), now(), now(), '', '{}', 'Candidate')"
)


async def constant_days(
    connection: psycopg.AsyncConnection, fleet: Fleet, parameters: Parameters, day: int
) -> tuple[Days, Units]:
    """A year at 25 °C."""
    every = np.ones((YEAR, JARS), np.float32)
    days = Days(
        first=day - YEAR,
        voltage=13.65 * every,
        temperature=25 * every,
        temperature_min=24 * every,
        temperature_max=26 * every,
        resistance=3.4 * every,
        discharges=0.1 * every,
        drawn=2 * every,
    )
    return days, Units.of(fleet, parameters)


@pytest.fixture
async def serving(empty: str, tmp_path: Path) -> Serving:
    """Beside an empty historian, with a model of 3,000 days."""
    migrate(empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        for version in ("fake-1", "fake-2"):
            connection.execute(_MODEL, (version,))
    (tmp_path / "fleet.yaml").write_text(FLEET_FILE)
    serving = Serving(constant_days, fakemodels.load)
    place = Place(tmp_path / "fleet.yaml", empty)
    await serving.begin(place, fakemodels.artefact(tmp_path / "one.zip"), None)
    return serving


async def test_the_fleet_is_predicted_from_what_the_historian_has(serving: Serving) -> None:
    forecasts = await serving.predict(NOW)
    forecast = forecasts.published
    assert forecast is not None
    assert forecasts.shadow is None
    assert (forecast.version, forecast.issued, forecast.error) == ("fake-1", NOW, 123.0)
    ages = (await serving.features(NOW))[:, NAMES.index("calendar_age_days")]
    assert forecast.learnt.days == pytest.approx(3_000 - ages, abs=1)
    assert forecast.reasons(0)[0].name == "Age since installation"
    assert len(forecast.similar(0)) == 2


async def test_only_what_is_new_is_kept(serving: Serving, empty: str) -> None:
    await serving.predict(NOW)
    assert await serving.keep() == JARS
    await serving.predict(NOW + 3_600_000_000)
    assert await serving.keep() == 0
    await serving.predict(NOW + DAY)
    assert await serving.keep() == JARS
    async with await psycopg.AsyncConnection.connect(empty) as connection:
        first, second = await read_predictions(connection, FIRST, NOW, NOW + 2 * DAY, 9)
    assert (first.issued_at, second.issued_at) == (NOW, NOW + DAY)
    assert first.value == pytest.approx(second.value + 1)
    assert first.factors[0].name == "Age since installation"
    assert sum(factor.share for factor in first.factors) == pytest.approx(1)


async def test_a_candidate_predicts_in_the_shadow_and_is_kept_too(serving: Serving, tmp_path: Path) -> None:
    shadow = fakemodels.artefact(tmp_path / "two.zip", "fake-2", life=2_000.0)
    await serving.use(tmp_path / "one.zip", shadow)
    forecasts = await serving.predict(NOW)
    assert forecasts.published is not None
    assert forecasts.shadow is not None
    assert (forecasts.published.version, forecasts.shadow.version) == ("fake-1", "fake-2")
    assert await serving.keep() == 2 * JARS


async def test_a_model_that_is_none_changes_nothing(serving: Serving, tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match="Expecting value"):
        await serving.use(tmp_path / "broken.zip", None)
    forecasts = await serving.predict(NOW)
    assert forecasts.published is not None


async def test_without_a_model_nothing_is_said(serving: Serving) -> None:
    await serving.use(None, None)
    forecasts = await serving.predict(NOW)
    assert forecasts.published is None
    assert await serving.keep() == 0
    assert await serving.what_if(0, 10.0, 1.0, NOW) is None


async def test_ten_kelvin_more_from_now_on_shorten_life_by_arrhenius(serving: Serving) -> None:
    answer = await serving.what_if(3, 10.0, 1.0, NOW)  # nobody has predicted the fleet yet
    assert answer is not None
    now, then = answer
    assert 1 - float(then.days[0]) / float(now.days[0]) == pytest.approx(0.48, abs=0.01)
