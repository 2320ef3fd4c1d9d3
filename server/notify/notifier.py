"""The notifier: takes what conditions tell, keeps what is to be sent of it, and sends it (A9).

It stands beside the scan and never in its way: `tell` only puts an event into a queue, and all else happens
in a task that begins when the server is ready. What goes wrong with it is told by log, health and metrics.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from config.notifyfile import NotifyFile
from server.alarms.eventids import SIMULATED_EVENTS
from server.alarms.events import ConditionEvent
from server.notify.alerts import Alerts, hours_of
from server.notify.delivery import Channel, Delivery
from server.notify.intake import Intake, notice_of
from server.notify.mail import MAIL, MailChannel
from server.notify.mailtext import mail_bytes
from server.notify.message import Message
from server.notify.outbox import Outbox
from server.notify.rules import Rules
from server.notify.sender import Sender
from server.notify.store import Store
from server.notify.webhook import WebhookChannel, channel_name
from server.notify.wording import Wording

_log = structlog.get_logger("notify")

FILE: Final = "notify.sqlite"
_AT_ONCE: Final = 100  # notices that are taken before others may have their turn
_PAUSE: Final = 0.25  # s between two looks, so that a flood is written in few transactions
_AFTER_A_FAULT: Final = 10.0  # s
_LONGEST_SLEEP: Final = 60.0  # s, in case the clock is set
_HIGH: Final = 2  # of the priorities: from here on a mail is marked as important

Retained = Callable[[], Iterable[ConditionEvent]]


class Notifier:
    """Everything between an event and the wire; `lowest` is the lowest severity of each priority."""

    def __init__(
        self,
        file: NotifyFile,
        fleet: str,
        zone: ZoneInfo,
        lowest: Sequence[int],
        state: Path,
        retained: Retained,
        clock: Callable[[], float] = time.time,
    ) -> None:
        wording = Wording(fleet, zone, lowest)
        self.alerts = Alerts(file, hours_of(file, zone), wording, lambda: secrets.token_hex(8))
        self.intake = Intake(Rules(file.rules))
        self.store = Store(Outbox(state / FILE, file.max_waiting))
        self.senders = {
            channel.name: Sender(channel, self.store, clock, random.random)
            for channel in _channels(file, clock)
        }
        self.failures = 0  # of the notifier itself
        self._file = file
        self._important = lowest[_HIGH]
        self._retained = retained
        self._clock = clock
        self._heard = 0  # number of the last event of the plant that was taken

    def tell(self, event: ConditionEvent) -> None:
        """A condition told something; never waits."""
        self.intake.tell(event)

    async def run(self) -> None:
        """Notify until cancelled."""
        await self._in_spite_of(self.open)
        async with asyncio.TaskGroup() as tasks:
            for name, sender in self.senders.items():
                tasks.create_task(self._in_spite_of(sender.run), name=f"notify {name}")
            tasks.create_task(self._in_spite_of(self._watch), name="notify")

    async def open(self) -> None:
        """Take up what was kept, and compare it with how the conditions are now."""
        outbox = self.store.outbox
        remembered = await self.store.call(outbox.open)
        for alert in remembered.alerts:
            self.alerts.add(alert)
        for name, text in remembered.flows.items():
            if name in self.alerts.flows:
                self.alerts.flows[name].restore(text)
        self._heard = -1 if remembered.heard is None else remembered.heard
        foreign = await self.store.call(outbox.forget_others, list(self.senders))
        if foreign:
            _log.warning("messages of channels that are no more are forgotten", count=foreign)
        await self._reconcile()

    async def step(self) -> None:
        """Take what was told, and keep what is to be sent now."""
        if self.intake.deaf:
            self.intake.deaf = False
            _log.warning("more alarms came than notification could take; all conditions are asked")
            await self._reconcile()
        heard = self._heard
        while notices := self.intake.take(_AT_ONCE):
            now = self._clock()
            for notice in notices:
                self.alerts.take(notice, now)
                if notice.number < SIMULATED_EVENTS:
                    heard = max(heard, notice.number)
            await asyncio.sleep(0)
        deliveries: list[Delivery] = []
        for messages in self.alerts.due(self._clock()):
            for message in messages:
                deliveries += self._deliveries(message)
                await asyncio.sleep(0)
        await self._keep(deliveries, heard)

    async def test(self, group: str) -> int:
        """Send a message to a group that tells that it is a test; how many it goes to.

        KeyError: there is no such group.
        """
        message = self.alerts.test(group, self._clock())
        deliveries = self._deliveries(message)
        await self.store.call(self.store.outbox.add, deliveries)
        self._wake(deliveries)
        return len(deliveries)

    async def close(self) -> None:
        """Close the file; what is not sent yet is sent after the next start."""
        await self.store.call(self.store.outbox.close)

    async def _watch(self) -> None:
        while True:
            await self.step()
            await asyncio.sleep(_PAUSE)
            seconds = min(max(self.alerts.next() - self._clock(), 0.0), _LONGEST_SLEEP)
            try:
                async with asyncio.timeout(seconds):
                    await self.intake.heard.wait()
            except TimeoutError:
                pass

    async def _reconcile(self) -> None:
        notices, heard = [], self._heard
        for number, event in enumerate(self._retained()):
            if not event.state.branch and not event.simulated:
                notices.append(notice_of(event))
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        self.alerts.reconcile(notices, heard, self._clock())
        await self._keep([], max([heard, 0, *(notice.number for notice in notices)]))

    async def _keep(self, deliveries: list[Delivery], heard: int) -> None:
        changes = self.alerts.changes()
        if not (deliveries or changes.alerts or changes.members or changes.flows or heard != self._heard):
            return
        await self.store.call(self.store.outbox.keep, changes, heard, deliveries)
        self._heard = heard
        self._wake(deliveries)

    def _deliveries(self, message: Message) -> list[Delivery]:
        """A message to everybody in its group."""
        group, found = self._file.groups[message.group], []
        if group.mail and self._file.mail is not None:
            important = message.severity >= self._important
            mail = mail_bytes(message, self._file.mail.sender, group.mail, important)
            found += [self._delivery(message, MAIL, address, mail) for address in group.mail]
        body = json.dumps(_data(message), ensure_ascii=False).encode()
        found += [self._delivery(message, channel_name(hook), hook, body) for hook in group.webhooks]
        return found

    def _delivery(self, message: Message, channel: str, target: str, content: bytes) -> Delivery:
        return Delivery(channel, target, message.id, message.severity, message.created, content)

    def _wake(self, deliveries: list[Delivery]) -> None:
        for name in {delivery.channel for delivery in deliveries}:
            self.senders[name].wake.set()

    async def _in_spite_of(self, run: Callable[[], Awaitable[None]]) -> None:
        """Notification is no reason for the server to end: what fails begins again after a pause."""
        while True:
            try:
                return await run()
            except Exception:
                _log.exception("notification has failed and begins again")
                self.failures += 1
                await asyncio.sleep(_AFTER_A_FAULT)


def _channels(file: NotifyFile, clock: Callable[[], float]) -> list[Channel]:
    channels: list[Channel] = [] if file.mail is None else [MailChannel(file.mail)]
    return [*channels, *(WebhookChannel(name, hook, clock) for name, hook in file.webhooks.items())]


def _data(message: Message) -> dict[str, Any]:
    """The body of a webhook's request."""
    return {
        "id": message.id,
        "version": 1,
        "created": message.created,
        **message.data,
        "subject": message.subject,
        "text": message.text,
    }
