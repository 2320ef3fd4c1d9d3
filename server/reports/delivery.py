"""Scheduled reports: made when they are due, put into folders and mailed, tried again until that is done.

One is made at a time, in a process of its own. What is delivered where is written down before anything else
is done. A report that is still on its way when the next one of its schedule is due is given up; one that was
missed while no server ran is made up for, the last one only.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import structlog

from config.notifyfile import Mail
from config.reportsettings import ReportSchedule
from historian.export.files import whole
from historian.export.request import ExportError, Format
from nodeset.fleet import Fleet
from server.jobs import Job
from server.notify import backoff
from server.notify.delivery import Channel, Fate
from server.notify.delivery import Delivery as Post
from server.notify.mailtext import address_of
from server.reports.deliveries import Deliveries, Delivery, Outcome
from server.reports.duetimes import Timetable
from server.reports.mailtext import Attachment, Envelope, mail_bytes
from server.reports.orders import ReportOrders
from server.reports.period import moment
from server.reports.wording import Wording

log = structlog.get_logger(__name__)

FIRST, EVERY = 20.0, 30.0  # s: when the job looks for what is due
MAIL: Final = "mail"
FOLDER: Final = "folder"
_SECOND: Final = 1_000_000  # µs
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Told = Callable[[str, str, str], None]  # schedule, what became of it, where it went


class DeliveryError(Exception):
    """Some scheduled report is not where it should be; the text says why."""


class ReportDelivery:
    """All schedules of a server."""

    def __init__(
        self,
        schedules: Iterable[ReportSchedule],
        orders: ReportOrders,
        fleet: Fleet,
        state: Path,
        mail: Mail | None,
        tell: Told,
    ) -> None:
        self._orders = orders
        self._fleet = fleet
        self._deliveries = Deliveries(state)
        self._mail = mail
        self._tell = tell
        self._channel: Channel | None = None
        self._lock = asyncio.Lock()
        self._anew: dict[str, asyncio.Task[None]] = {}  # by schedule, what was asked for and is on its way
        self.timetables = {each.name: Timetable(each, orders.zone(each.site)) for each in schedules}
        for name in self.timetables:
            self._deliveries.of(name, orders.clock())
        self._kept = False  # since when each is scheduled

    def jobs(self) -> list[Job]:
        """What looks for reports that are due."""
        return [Job("deliver reports", self.run, FIRST, EVERY)] if self.timetables else []

    def of(self, name: str) -> Delivery:
        """The last delivery of a schedule."""
        return self._deliveries.of(name, self._orders.clock())

    @property
    def now(self) -> dt.datetime:
        """The plant's time."""
        return moment(self._orders.clock())

    async def run(self) -> int:
        """Deliver what is due; how many were. `DeliveryError` as long as one is not."""
        async with self._lock:
            if not self._kept:
                await self._save()
                self._kept = True
            done = 0
            for name, timetable in self.timetables.items():
                done += await self._see_to(timetable, self.of(name))
        failing = [f"{name}: {self.of(name).error}" for name in self.timetables if self._failing(name)]
        if failing:
            raise DeliveryError("; ".join(failing))
        return done

    async def again(self, name: str, wait: float) -> bool:
        """Deliver the last report of a schedule anew; whether that has ended within `wait` [s], or goes on.

        Who asks while it is on its way has no second one sent. `KeyError` for a schedule that there is not.
        """
        timetable = self.timetables[name]
        task = self._anew.get(name)
        if task is None:
            task = self._anew[name] = asyncio.create_task(self._deliver_anew(timetable))
            task.add_done_callback(lambda _task: self._anew.pop(name))
        ended, _ = await asyncio.wait([task], timeout=wait)
        for each in ended:
            each.result()
        return bool(ended)

    def outcome(self, name: str) -> Outcome:
        """How the last delivery of a schedule went, or that it is on its way."""
        return Outcome.DUE if name in self._anew else self.of(name).outcome

    async def close(self) -> None:
        """End what was asked for; as it is written down, a start goes on with it."""
        for task in (tasks := list(self._anew.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver_anew(self, timetable: Timetable) -> None:
        async with self._lock:
            delivery = self.of(timetable.schedule.name)
            delivery.begin(_time(timetable.last(self.now)))
            await self._save()
            await self._see_to(timetable, delivery)

    def _failing(self, name: str) -> bool:
        delivery = self.of(name)
        return bool(delivery.due and not delivery.finished and delivery.error)

    async def _see_to(self, timetable: Timetable, delivery: Delivery) -> int:
        """Deliver a schedule's last report, if it is to be; whether that is done now."""
        now = self._orders.clock()
        due = _time(timetable.last(self.now))
        if due > max(delivery.due, delivery.since):
            if self._failing(timetable.schedule.name):
                log.error("a report was given up", schedule=timetable.schedule.name, reason=delivery.error)
            delivery.begin(due)
        if not delivery.due or delivery.finished or now < delivery.again:
            return 0
        await self._try(timetable, delivery)
        return int(bool(delivery.finished))

    async def _try(self, timetable: Timetable, delivery: Delivery) -> None:
        """One attempt; what comes of it is written down."""
        name, error = timetable.schedule.name, ""
        try:
            await self._deliver(timetable, delivery)
        except (ExportError, DeliveryError, OSError) as problem:
            error = str(problem)
        now = self._orders.clock()
        if error:
            if not delivery.error:
                log.error("a scheduled report fails and is tried again", schedule=name, reason=error)
                self._tell(name, f"failing: {error}", "")
            delivery.tries += 1
            delivery.again = now + round(backoff.pause(delivery.tries, random.random) * _SECOND)
            delivery.error = error
        else:
            delivery.finished = now
            delivery.error = "; ".join(delivery.refused)
            log.info("a scheduled report is delivered", schedule=name, to=", ".join(delivery.done))
            self._tell(name, delivery.outcome.lower(), ", ".join(delivery.done))
        await self._save()

    async def _deliver(self, timetable: Timetable, delivery: Delivery) -> None:
        """To wherever it has not got to."""
        schedule = timetable.schedule
        home = await asyncio.to_thread(tempfile.mkdtemp, prefix="voltkeep-report-")
        try:
            files = await self._make(timetable, moment(delivery.due), Path(home))
            if schedule.folder is not None and FOLDER not in delivery.done:
                await asyncio.to_thread(_put, files, schedule.folder)
                await self._note(delivery, FOLDER)
            await self._post(timetable, delivery, files)
        finally:
            await asyncio.to_thread(shutil.rmtree, home, True)

    async def _make(self, timetable: Timetable, due: dt.datetime, home: Path) -> list[Path]:
        """The files of all formats."""
        schedule, period = timetable.schedule, timetable.period(due)
        files = []
        for form in schedule.formats:
            language, calendar = schedule.language or "", schedule.calendar or ""
            request = self._orders.request(period.name, schedule.site, Format(form), language, calendar)
            path = home / request.name
            await self._orders.making(request, path).run()
            files.append(path)
        return files

    async def _post(self, timetable: Timetable, delivery: Delivery, files: list[Path]) -> None:
        """To each address that has it not, one after the other; `DeliveryError` where one is for later."""
        left = [each for each in timetable.schedule.mail if each not in (*delivery.done, *delivery.refused)]
        if not left:
            return
        content = await asyncio.to_thread(self._letter, timetable, moment(delivery.due), files)
        for address in left:
            name, due = timetable.schedule.name, delivery.due / _SECOND
            post = Post(MAIL, address_of(address), name, 1, due, content)
            (result,) = await self._sender().send([post])
            if result.fate is Fate.LATER:
                raise DeliveryError(f"{address}: {result.reason}")
            if result.fate is Fate.NEVER:
                delivery.refused.append(f"{address}: {result.reason}")
                log.error("a report was refused", to=address, reason=result.reason)
                await self._save()
            else:
                await self._note(delivery, address)

    def _letter(self, timetable: Timetable, due: dt.datetime, files: list[Path]) -> bytes:
        assert self._mail is not None
        schedule = timetable.schedule
        request = self._orders.request("", "", Format.PDF, schedule.language or "", schedule.calendar or "")
        envelope = Envelope(schedule.name, self._mail.sender, schedule.mail, due)
        attached = [Attachment(path.name, Format(path.suffix[1:]), path.read_bytes()) for path in files]
        of = schedule.site or self._fleet.name
        say = Wording(request.language, request.calendar)
        return mail_bytes(envelope, of, timetable.period(due), say, attached)

    def _sender(self) -> Channel:
        """The mail server's, loaded when there is something to send."""
        if self._channel is None:
            from server.notify.mail import MailChannel

            assert self._mail is not None
            self._channel = MailChannel(self._mail)
        return self._channel

    async def _note(self, delivery: Delivery, place: str) -> None:
        delivery.done.append(place)
        await self._save()

    async def _save(self) -> None:
        await asyncio.to_thread(self._deliveries.save)


def _put(files: list[Path], folder: Path) -> None:
    """Copies that are whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        with whole(folder / file.name) as aside:
            shutil.copyfile(file, aside)


def _time(moment_: dt.datetime) -> int:
    return (moment_ - _EPOCH) // dt.timedelta(microseconds=1)
