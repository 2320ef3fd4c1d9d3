"""When which jars are replaced: work gathered by site and string into visits, each on a day.

Every jar is replaced in the quarter in which it is due, or before it. Replacing early gives up service life;
visiting twice costs a second journey, and a string that is opened twice a second isolation: the cheaper is
done. Where more than a share of a string is due within a year, all of it is replaced, since jars of different
age share a charging current badly (IEEE 1188). Never are two strings of a system worked on in one day: one
of them must carry the load. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from analytics import workcalendar as calendar
from analytics.parameters import Array
from analytics.replacements import Prices
from analytics.workcalendar import Note, WorkDay
from nodeset.fleet import Fleet


class Reason(StrEnum):
    """Why a jar is replaced when it is."""

    DUE = "DUE"
    EARLY = "EARLY"  # together with others, which is cheaper
    WHOLE_STRING = "WHOLE_STRING"
    LATE = "LATE"  # no day or no crew was left


@dataclass(frozen=True)
class Rules:
    """How work is done: what a crew does in a day, how many crews there are, and how soon one can begin [d].

    `whole_share` of a string's jars that are due within `whole_quarters` is more than is mended by halves.
    """

    jars_a_day: int
    crews: int
    lead_days: int
    whole_share: float
    whole_quarters: int = 4


@dataclass(frozen=True)
class Needs:
    """What each jar asks for, arrays of shape (jars,): the quarter in which it is due, the lower bound of
    its life [d], and the life in service of a new one [d]."""

    due: Array
    lower: Array
    life: Array


@dataclass(frozen=True, slots=True)
class Job:
    """A jar to be replaced in `quarter`; `due` is its own."""

    jar: int
    string: int
    system: int
    due: int
    quarter: int
    whole: bool = False

    def given_up(self, quarter: int, needs: Needs, prices: Prices) -> float:
        """Value of the service life that replacing in `quarter` gives up."""
        early = max(self.due - quarter, 0) * calendar.QUARTER_DAYS
        return float(prices.jar[self.jar] * min(early / needs.life[self.jar], 1.0))

    @property
    def reason(self) -> Reason:
        """Why then."""
        if self.quarter > self.due:
            return Reason.LATE
        if self.whole and self.quarter < self.due:
            return Reason.WHOLE_STRING
        return Reason.EARLY if self.quarter < self.due else Reason.DUE


@dataclass(frozen=True)
class Visit:
    """A day of a crew at a site."""

    site: int
    quarter: int
    day: WorkDay
    jobs: tuple[Job, ...]
    cost: float

    @property
    def notes(self) -> tuple[Note, ...]:
        """What to know of it."""
        near = self.day.date.month == calendar.SONGKRAN[0][0]
        late = any(job.reason is Reason.LATE for job in self.jobs)
        return (*self.day.notes, *((Note.SONGKRAN,) if near else ()), *((Note.LATE,) if late else ()))


@dataclass(frozen=True)
class Plan:
    """Visits in the order of their days, and what they cost against a visit for each jar by itself."""

    visits: tuple[Visit, ...]
    whole_strings: tuple[int, ...]
    cost: float
    separate_cost: float
    given_up: float


Group = list[Job]


def plan(
    fleet: Fleet,
    jars: Sequence[int],
    needs: Needs,
    prices: Prices,
    rules: Rules,
    time: int,
    quarters: int,
) -> Plan:
    """Replace those of `jars` that are due within `quarters` from `time` [µs], the present one included."""
    present = calendar.quarter_at(time, fleet.zone)
    wanted: dict[int, Group] = defaultdict(list)
    whole = []
    for string, members in _by_string(fleet, jars).items():
        jobs, begins = _jobs(fleet, string, members, needs, rules, present, present + quarters)
        wanted[fleet.site_of_string[string]] += jobs
        whole += [string] if begins else []
    desk = _Desk(needs, prices, rules)
    days = [
        (int(site), quarter, tuple(day))
        for site, jobs in wanted.items()
        for quarter, group in desk.gathered(jobs).items()
        for day in desk.packed(group)
    ]
    visits = _scheduled(fleet, days, desk, time)
    done = [job for visit in visits for job in visit.jobs]
    return Plan(
        visits,
        tuple(whole),
        sum(visit.cost for visit in visits),
        sum(desk.cost([job]) for job in done),
        sum(job.given_up(job.quarter, needs, prices) for job in done),
    )


# -- what is to be done


def _by_string(fleet: Fleet, jars: Sequence[int]) -> dict[int, list[int]]:
    strings: dict[int, list[int]] = defaultdict(list)
    for jar in jars:
        strings[fleet.jars[jar].string].append(jar)
    return strings


def _jobs(
    fleet: Fleet, string: int, members: list[int], needs: Needs, rules: Rules, present: int, end: int
) -> tuple[Group, bool]:
    """The jobs of a string from quarter `present` up to `end`, and whether all of it is replaced."""
    due = {jar: max(int(needs.due[jar]), present) for jar in members}
    begins = _whole_from(sorted(due.values()), rules, end)
    system = fleet.strings[string].system
    jobs = []
    for jar, quarter in due.items():
        together = begins is not None and quarter >= begins
        if together or quarter < end:
            planned = begins if together and begins is not None else quarter
            jobs.append(Job(jar, string, system, quarter, planned, together))
    return jobs, begins is not None


def _whole_from(due: list[int], rules: Rules, end: int) -> int | None:
    """The first quarter before `end` from which on too many of a string are due at once; None: never."""
    for i, quarter in enumerate(due):
        if quarter >= end:
            return None
        together = sum(1 for other in due[i:] if other < quarter + rules.whole_quarters)
        if together > rules.whole_share * len(due):
            return quarter
    return None


# -- what is done together


@dataclass(frozen=True)
class _Desk:
    """Weighs what can be done together."""

    needs: Needs
    prices: Prices
    rules: Rules

    def cost(self, day: Iterable[Job]) -> float:
        """Cost of a visit."""
        jobs = list(day)
        strings = len({job.string for job in jobs})
        return float(
            self.prices.visit + strings * self.prices.string + sum(self.prices.jar[j.jar] for j in jobs)
        )

    def gathered(self, jobs: Group) -> dict[int, Group]:
        """The jobs of a site by the quarter in which they are done: brought forward where that is cheaper."""
        by_quarter: dict[int, Group] = defaultdict(list)
        for job in jobs:
            by_quarter[job.quarter].append(job)
        done: dict[int, Group] = {}
        last: int | None = None
        for quarter in sorted(by_quarter):
            later = by_quarter[quarter]
            if last is not None:
                later = self._brought_forward(done[last], later, last)
            if later:
                done[quarter], last = later, quarter
        return done

    def _brought_forward(self, now: Group, later: Group, quarter: int) -> Group:
        """Add to `now` what of `later` is better done in `quarter`, all or single strings; the rest."""
        for moved in (later, *self._strings(later)):
            rest = [job for job in later if job not in moved]
            if self._saved(now, later, moved, rest) > self._loss(moved, quarter):
                now += [replace(job, quarter=quarter) for job in moved]
                later = rest
        return later

    @staticmethod
    def _strings(jobs: Group) -> list[Group]:
        return [[job for job in jobs if job.string == string] for string in {job.string: 0 for job in jobs}]

    def _saved(self, now: Group, later: Group, moved: Group, rest: Group) -> float:
        """What doing `moved` with `now` instead of with `later` saves."""
        before, after = (now, later), ([*now, *moved], rest)
        costs = [
            sum(self.cost(day) for group in groups for day in self.packed(group))
            for groups in (before, after)
        ]
        return costs[0] - costs[1]

    def _loss(self, jobs: Group, quarter: int) -> float:
        """What bringing jobs forward to `quarter` gives up beyond what they give up anyway."""
        return sum(
            job.given_up(quarter, self.needs, self.prices)
            - job.given_up(job.quarter, self.needs, self.prices)
            for job in jobs
        )

    def packed(self, jobs: Group) -> list[Group]:
        """The days of work that jobs at a site take: great strings first, each in one go if it fits."""
        days: list[Group] = []
        for chunk in sorted(self._chunks(jobs), key=lambda chunk: (-len(chunk), chunk[0].string)):
            for day in days:
                if self._fits(day, chunk):
                    day += chunk
                    break
            else:
                days.append(list(chunk))
        return days

    def _chunks(self, jobs: Group) -> Iterator[Group]:
        most = self.rules.jars_a_day
        for own in self._strings(jobs):
            yield from (own[i : i + most] for i in range(0, len(own), most))

    def _fits(self, day: Group, chunk: Group) -> bool:
        return len(day) + len(chunk) <= self.rules.jars_a_day and chunk[0].system not in {
            job.system for job in day
        }


# -- on which day


Work = tuple[int, int, tuple[Job, ...]]


def _scheduled(fleet: Fleet, days: list[Work], desk: _Desk, time: int) -> tuple[Visit, ...]:
    """Give every day's work a date: in its quarter, else in one before it, else as soon as it can be."""
    present = calendar.quarter_at(time, fleet.zone)
    first = calendar.local_day(time, fleet.zone) + desk.rules.lead_days
    diary = _Diary(fleet, desk.rules.crews)
    visits: list[Visit] = []
    waiting: list[Work] = []
    for quarter in range(max((q for _, q, _ in days), default=present), present - 1, -1):
        waiting += [work for work in days if work[1] == quarter]
        waiting.sort(key=lambda work: min(float(desk.needs.lower[job.jar]) for job in work[2]))
        left: list[Work] = []
        for site, _, jobs in waiting:
            urgent = any(job.due <= present for job in jobs)
            begin, end = max(calendar.first_day(quarter), first), calendar.first_day(quarter + 1)
            day = diary.take(site, begin, end, urgent)
            if day is None:
                left.append((site, quarter - 1, jobs))
            else:
                visits.append(_visit(site, day, jobs, desk))
        waiting = left
    for site, _, jobs in waiting:
        visits.append(
            _visit(site, diary.next_free(site, max(first, calendar.first_day(present))), jobs, desk)
        )
    return tuple(sorted(visits, key=lambda visit: (visit.day.day, visit.site)))


def _visit(site: int, day: WorkDay, jobs: tuple[Job, ...], desk: _Desk) -> Visit:
    quarter = int(calendar.quarters_of(day.day))
    done = tuple(replace(job, quarter=quarter) for job in jobs)
    return Visit(site, quarter, day, done, desk.cost(done))


class _Diary:
    """Which crew is where on which day; nobody is at a site with another crew."""

    def __init__(self, fleet: Fleet, crews: int) -> None:
        self._regions = [site.region for site in fleet.sites]
        self._crews = crews
        self._busy: dict[int, set[int]] = defaultdict(set)

    def take(self, site: int, first: int, end: int, urgent: bool) -> WorkDay | None:
        """A day from `first` up to `end` for a site: the soonest if it is urgent, else a dry one."""
        days = calendar.suitable_days(self._regions[site], first, end)
        for day in sorted(days, key=lambda each: each.day) if urgent else days:
            busy = self._busy[day.day]
            if len(busy) < self._crews and site not in busy:
                busy.add(site)
                return day
        return None

    def next_free(self, site: int, first: int) -> WorkDay:
        """The soonest day from `first` on."""
        while True:
            found = self.take(site, first, first + 100, urgent=True)
            if found is not None:
                return found
            first += 100
