"""What the process that predicts can do: from the historian to what learnt models say of the fleet.

It reads the historian over a connection of its own, works beside its event loop, and keeps the features of
the fleet for questions about single jars.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import psycopg
from numpy.typing import NDArray

from analytics.cases import Cases
from analytics.features import features, shifted
from analytics.fusion import confidence_of
from analytics.history import Days, Units
from analytics.learnt import Learnt
from analytics.modelcard import ModelCard
from analytics.parameters import Array, Mask, Parameters, Single
from analytics.similar import similar
from analytics.whatif import loaded
from config.fleetfile import read_fleet_file
from historian.assets import Ids, register
from historian.connections import connect
from historian.predictions import Factor, FleetPredictions, add_fleet_predictions
from nodeset.fleet import AssetType, Fleet, build_fleet
from server.learning.forecast import Forecast, forecast_of
from server.scanning.prognosis import confidence_name

DAY: Final = 86_400_000_000  # µs
ERROR: Final = "mae"  # of the figures on a model's card
SAME: Final = 0.05  # d by which what a model says must differ from what it said before to be kept


class Model(Protocol):
    """What is asked of a learnt model (`analytics.model.RulModel`)."""

    @property
    def card(self) -> ModelCard:
        """Where it comes from."""

    @property
    def cases(self) -> Cases:
        """Failed jars to compare with."""

    @property
    def version(self) -> str:
        """Its version."""

    def predict(self, features: Single) -> Learnt:
        """Life left."""

    def contributions(self, features: Single) -> Array:
        """What each feature adds to it [d]."""


@dataclass(frozen=True)
class Place:
    """Which fleet, and where its history is."""

    fleet: Path
    conninfo: str


@dataclass(frozen=True)
class Forecasts:
    """What the published model says, and a candidate beside it of which nobody is told."""

    published: Forecast | None
    shadow: Forecast | None


# Reads the year before a day [since 1970] of a fleet's history.
Read = Callable[[psycopg.AsyncConnection, Fleet, Parameters, int], Awaitable[tuple[Days, Units]]]
Load = Callable[[bytes], Model]


class Serving:
    """Answers what the server asks; one prediction of the fleet at a time."""

    def __init__(self, read: Read, load: Load) -> None:
        self._read = read
        self._load = load
        self._place: Place
        self._fleet: Fleet
        self._parameters: Parameters
        self._published: Model | None = None
        self._shadow: Model | None = None
        self._known: tuple[int, Single] | None = None  # day, features
        self._said: list[Forecast] = []  # last
        self._kept: dict[str, Learnt] = {}  # by version, what is in the database
        self._turn = asyncio.Lock()
        self.handlers: dict[str, Callable[..., Awaitable[Any]]] = {
            "begin": self.begin,
            "use": self.use,
            "features": self.features,
            "predict": self.predict,
            "keep": self.keep,
            "what_if": self.what_if,
        }

    async def begin(self, place: Place, published: Path | None, shadow: Path | None) -> None:
        """Get to know the fleet and the models."""
        self._place = place
        self._fleet = await asyncio.to_thread(_fleet_of, place.fleet)
        self._parameters = Parameters.of(self._fleet)
        await self.use(published, shadow)

    async def use(self, published: Path | None, shadow: Path | None) -> None:
        """Predict with the models of these artefacts from now on; raises what is wrong with one."""
        models = [await asyncio.to_thread(self._model, each) for each in (published, shadow)]
        self._published, self._shadow = models

    def _model(self, path: Path | None) -> Model | None:
        return None if path is None else self._load(path.read_bytes())

    async def features(self, time: int) -> Single:
        """Features of the fleet on the morning of the plant's `time` [µs], shape (jars, features)."""
        async with self._turn:
            return await self._features(time)

    async def predict(self, time: int) -> Forecasts:
        """What the models say at the plant's `time` [µs], from what the historian has."""
        async with self._turn:
            known = await self._features(time)
            models = (self._published, self._shadow)
            said = [await asyncio.to_thread(_said, model, known, time) for model in models]
            self._said = [each for each in said if each is not None]
            return Forecasts(*said)

    async def keep(self) -> int:
        """Write what was said last into the historian, of the jars of which it is news; how many rows."""
        return sum([await self._keep(each) for each in self._said])

    async def _keep(self, forecast: Forecast) -> int:
        jars = np.flatnonzero(_news(self._kept.get(forecast.version), forecast.learnt))
        async with await connect(self._place.conninfo) as connection:
            ids = (await register(connection, self._fleet)).of[AssetType.JAR]
            rows = await add_fleet_predictions(connection, _rows(forecast, jars, ids[jars]))
        self._kept[forecast.version] = forecast.learnt
        return rows

    async def what_if(self, jar: int, kelvin: float, load: float, time: int) -> tuple[Learnt, Learnt] | None:
        """What the published model says of a jar as things are, and if it were warmer by `kelvin` [K] and its
        load `load` times as high from now on; None without a model.
        """
        model = self._published
        if model is None:
            return None
        if self._known is None:
            await self.features(time)
        assert self._known is not None
        _, known = self._known
        now = known[jar : jar + 1]
        energy = float(self._parameters.activation_energy[jar])
        then = loaded(shifted(now, kelvin, energy), load)
        return await asyncio.to_thread(lambda: (model.predict(now), model.predict(then)))

    async def _features(self, time: int) -> Single:
        day = time // DAY
        async with await connect(self._place.conninfo) as connection:
            days, units = await self._read(connection, self._fleet, self._parameters, day)
        known = await asyncio.to_thread(features, days, units, day)
        self._known = day, known
        return known


def _fleet_of(path: Path) -> Fleet:
    return build_fleet(read_fleet_file(path))


def _said(model: Model | None, known: Single, time: int) -> Forecast | None:
    """All that a model says of the fleet."""
    if model is None:
        return None
    error = float(model.card.metrics.get(ERROR, nan))
    learnt, added = model.predict(known), model.contributions(known)
    return forecast_of(model.version, time, error, learnt, added, model.cases, similar(model.cases, known))


def _news(before: Learnt | None, now: Learnt) -> Mask:
    """Jars of which there is something to keep: what is known, and not as it was said last."""
    known = np.isfinite(now.days) & np.isfinite(now.lower) & np.isfinite(now.upper)
    if before is None:
        return known
    return np.asarray(known & ~(np.abs(now.days - before.days) < SAME))


def _rows(forecast: Forecast, jars: NDArray[np.intp], ids: Ids) -> FleetPredictions:
    """What is kept of a forecast for some jars of these ids."""
    said = forecast.learnt
    reasons = [forecast.reasons(jar) for jar in jars.tolist()]
    return FleetPredictions(
        forecast.version,
        forecast.issued,
        ids,
        said.days[jars],
        said.lower[jars],
        said.upper[jars],
        [confidence_name(each) for each in confidence_of(said.confidence[jars])],
        [[Factor(reason.name, reason.share) for reason in each] for each in reasons],
    )
