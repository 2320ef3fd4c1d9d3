"""The Maintenance methods that look ahead (I7, R9): what is to be replaced when, and how it is best done."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from analytics import planner
from analytics import workcalendar as calendar
from analytics.planner import Needs, Plan, Rules
from analytics.replacements import Forecast, forecast
from analytics.rul import Life
from config.settings import Maintenance
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from server.events.event import date
from server.livetable import LiveTable
from server.maintenance.prices import prices_of
from server.scanning.prognosis import Prognosis
from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs

S = ua.StatusCodes
VT = ua.VariantType
JAR: Final = AssetType.JAR

MOST_QUARTERS: Final = 40


class _Asked(NamedTuple):
    """What a call is about: jars by number, and over how many quarters from when [µs]."""

    jars: NDArray[np.intp]
    regions: tuple[str, ...]
    quarters: int
    frame: Frame


class PlanningMethods:
    """ReplacementForecast and MaintenancePlan on the live values; the work is done in a thread."""

    def __init__(self, table: LiveTable, prognosis: Prognosis, settings: Maintenance) -> None:
        self._table = table
        self._fleet = table.index.fleet
        self._prognosis = prognosis
        self._settings = settings
        self._prices = prices_of(settings, (jar.model_name for jar in self._fleet.jars))

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Maintenance object."""
        methods.add(node_id("Maintenance.ReplacementForecast"), Profile.CALL_OPEN, self._forecast)
        methods.add(node_id("Maintenance.MaintenancePlan"), Profile.CALL_OPEN, self._plan)

    async def _forecast(self, call: Invocation) -> Outputs:
        asked = self._asked(call)
        jars, fleet, frame = asked.jars, self._fleet, asked.frame
        life = Life(*(frame.column(JAR, name)[jars] for name in _LIFE))
        found = await asyncio.to_thread(
            forecast,
            life,
            self._prices.pick(jars),
            fleet.string_of_jar[jars],
            fleet.site_of_jar[jars],
            frame.time,
            asked.quarters,
            fleet.zone,
        )
        return _forecast_outputs(found, asked.regions, self._settings.currency)

    async def _plan(self, call: Invocation) -> Outputs:
        asked = self._asked(call)
        frame, rules = asked.frame, self._settings
        needs = Needs(
            frame.column(JAR, "ReplacementQuarter"),
            frame.column(JAR, "RemainingUsefulLifeLower"),
            self._prognosis.service_lives(),
        )
        made = await asyncio.to_thread(
            planner.plan,
            self._fleet,
            asked.jars.tolist(),
            needs,
            self._prices,
            Rules(rules.jars_a_day, rules.crews, rules.lead_days, rules.whole_string_share),
            frame.time,
            asked.quarters,
        )
        return self._plan_outputs(made)

    def _asked(self, call: Invocation) -> _Asked:
        path, quarters = call.values
        if not 1 <= quarters <= MOST_QUARTERS:
            raise ArgumentError(1, S.BadOutOfRange, f"1 to {MOST_QUARTERS} quarters")
        frame = self._table.frame
        if frame is None:
            raise MethodError(S.BadWaitingForInitialData)
        whole = not path or path == self._fleet.path
        kind, number = (AssetType.FLEET, 0) if whole else self._fleet.index_of.get(path, (None, 0))
        if kind not in (AssetType.FLEET, AssetType.SITE):
            raise ArgumentError(0, S.BadNodeIdUnknown, f"there is no site '{path}'")
        sites = self._fleet.sites if whole else self._fleet.sites[number : number + 1]
        jars = np.arange(len(self._fleet.jars)) if whole else np.r_[self._fleet.jars_of_site(number)]
        known = frame.column_status(JAR, "RemainingUsefulLife")[jars] != st.BAD_WAITING_FOR_INITIAL_DATA
        return _Asked(jars[known], tuple(dict.fromkeys(site.region for site in sites)), int(quarters), frame)

    def _plan_outputs(self, plan: Plan) -> Outputs:
        fleet, visits = self._fleet, plan.visits
        jobs = [(number, job) for number, visit in enumerate(visits) for job in visit.jobs]
        return (
            _strings(fleet.sites[visit.site].path for visit in visits),
            _dates(visit.day.begins(fleet.sites[visit.site].zone) for visit in visits),
            _dates(visit.day.ends(fleet.sites[visit.site].zone) for visit in visits),
            _strings(calendar.quarter_name(visit.quarter) for visit in visits),
            _numbers(len(visit.jobs) for visit in visits),
            _doubles(visit.cost for visit in visits),
            _strings(" ".join(visit.notes) for visit in visits),
            _strings(fleet.jars[job.jar].path for _, job in jobs),
            _numbers(number for number, _ in jobs),
            _strings(calendar.quarter_name(job.due) for _, job in jobs),
            _strings(job.reason for _, job in jobs),
            _strings(fleet.strings[string].path for string in plan.whole_strings),
            ua.Variant(plan.cost, VT.Double),
            ua.Variant(plan.separate_cost, VT.Double),
            ua.Variant(plan.given_up, VT.Double),
            ua.Variant(self._settings.currency, VT.String),
        )


_LIFE: Final = ("RemainingUsefulLife", "RemainingUsefulLifeLower", "RemainingUsefulLifeUpper")


def _forecast_outputs(found: Forecast, regions: tuple[str, ...], currency: str) -> Outputs:
    notes = [
        dict.fromkeys(note for region in regions for note in calendar.notes_of(region, quarter))
        for quarter in found.quarters.tolist()
    ]
    return (
        _strings(calendar.quarter_name(quarter) for quarter in found.quarters.tolist()),
        _doubles(found.jars),
        _doubles(found.jars_lower),
        _doubles(found.jars_upper),
        _doubles(found.cost),
        _doubles(found.cost_lower),
        _doubles(found.cost_upper),
        _strings(" ".join(each) for each in notes),
        ua.Variant(currency, VT.String),
    )


def _strings(values: Iterable[str]) -> ua.Variant:
    return ua.Variant([str(value) for value in values], VT.String, is_array=True)


def _doubles(values: Iterable[float]) -> ua.Variant:
    return ua.Variant([float(value) for value in values], VT.Double, is_array=True)


def _numbers(values: Iterable[int]) -> ua.Variant:
    return ua.Variant(list(values), VT.UInt32, is_array=True)


def _dates(values: Iterable[int]) -> ua.Variant:
    moments: list[dt.datetime] = [date(value).Value for value in values]
    return ua.Variant(moments, VT.DateTime, is_array=True)
