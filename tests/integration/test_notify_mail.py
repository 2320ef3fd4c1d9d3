"""Mails to real servers, which take them, refuse them, hang, or go away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from notices import START, Desk, alarm
from notifyservers import (
    LOOPBACK,
    PASSWORD,
    USER,
    Certificate,
    Mailbox,
    drop_in_data,
    hang,
    mail_server,
    make_certificate,
    scripted_server,
)

from config.notifyfile import Mail
from server.notify.delivery import Delivery, Fate
from server.notify.mail import MailChannel
from server.notify.mailtext import mail_bytes

SENDER = "Voltkeep <voltkeep@example.com>"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The mail server's."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


def channel(port: int, **more: Any) -> MailChannel:
    """A channel to a server on this machine."""
    terms = {"host": LOOPBACK, "port": port, "security": "none", "sender": SENDER, "timeout": 5}
    return MailChannel(Mail.model_validate(terms | more))


def secured(port: int, certificate: Path | None, monkeypatch: pytest.MonkeyPatch, **more: Any) -> MailChannel:
    """The same with STARTTLS and a password."""
    monkeypatch.setenv("MAIL_PASSWORD", more.pop("secret", PASSWORD))
    terms = {"security": "starttls", "user": USER, "password": {"variable": "MAIL_PASSWORD"}}
    return channel(port, **terms, ca_file=certificate, **more)


def deliveries(*targets: str) -> list[Delivery]:
    """One message to all of them."""
    desk = Desk()
    desk.take(0, alarm("A#X", title="ไฟฟ้าดับ", message="ไฟฟ้าดับ: 0.00 V"))
    (message,) = desk.due(10)
    mail = mail_bytes(message, SENDER, list(targets), True)
    return [Delivery("mail", target, message.id, 500, START, mail) for target in targets]


async def test_mails_go_over_one_connection() -> None:
    box = Mailbox()
    async with mail_server(box) as port:
        results = await channel(port).send(deliveries("a@example.com", "b@example.com"))
    assert [result.fate for result in results] == [Fate.SENT, Fate.SENT]
    assert [address for address, _ in box.received] == ["a@example.com", "b@example.com"]
    assert box.connections == 1
    _, mail = box.received[0]
    assert mail["Subject"] == "[medium] A: ไฟฟ้าดับ"
    assert "ไฟฟ้าดับ: 0.00 V" in mail.get_content()
    assert [str(address) for address in mail["To"].addresses] == ["a@example.com", "b@example.com"]


async def test_starttls_and_a_password(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Mailbox()
    async with mail_server(box, certificate) as port:
        (result,) = await secured(port, certificate.certificate, monkeypatch).send(
            deliveries("a@example.com")
        )
    assert result.fate is Fate.SENT
    assert box.users == [USER]


async def test_a_certificate_that_nobody_vouches_for_ends_the_attempt(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Mailbox()
    async with mail_server(box, certificate) as port:
        (result,) = await secured(port, None, monkeypatch).send(deliveries("a@example.com"))
    assert result.fate is Fate.LATER
    assert "certificate" in result.reason.lower()
    assert (box.users, box.received) == ([], [])


async def test_a_server_without_starttls_gets_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Mailbox()
    async with mail_server(box) as port:
        (result,) = await secured(port, None, monkeypatch).send(deliveries("a@example.com"))
    assert (result.fate, box.received) == (Fate.LATER, [])
    assert "STARTTLS" in result.reason


async def test_a_wrong_password_is_for_the_administrator_to_mend(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Mailbox()
    async with mail_server(box, certificate) as port:
        sender = secured(port, certificate.certificate, monkeypatch, secret="wrong")
        results = await sender.send(deliveries("a@example.com", "b@example.com"))
    assert [result.fate for result in results] == [Fate.LATER, Fate.LATER]
    assert results[0].reason.startswith("535")
    assert "wrong" not in results[0].reason


async def test_who_is_refused_for_good_keeps_no_other_waiting() -> None:
    box = Mailbox(refused={"a@example.com": "550 No such user", "b@example.com": "451 Come back later"})
    async with mail_server(box) as port:
        results = await channel(port).send(deliveries("a@example.com", "b@example.com", "c@example.com"))
    assert [result.fate for result in results] == [Fate.NEVER, Fate.LATER, Fate.SENT]
    assert "No such user" in results[0].reason
    assert [address for address, _ in box.received] == ["c@example.com"]


@pytest.mark.parametrize(("reply", "fate"), [("452 Disk full", Fate.LATER), ("554 Spam", Fate.NEVER)])
async def test_a_mail_that_is_refused(reply: str, fate: Fate) -> None:
    box = Mailbox()
    box.replies.append(reply)
    async with mail_server(box) as port:
        results = await channel(port).send(deliveries("a@example.com", "b@example.com"))
    assert [result.fate for result in results] == [fate, Fate.SENT]


async def test_a_server_that_is_not_there() -> None:
    async with mail_server(Mailbox()) as port:
        pass
    results = await channel(port).send(deliveries("a@example.com", "b@example.com"))
    assert [result.fate for result in results] == [Fate.LATER, Fate.LATER]


async def test_a_server_that_hangs_is_left() -> None:
    async with scripted_server(hang) as port, asyncio.timeout(5):
        results = await channel(port, timeout=0.1).send(deliveries("a@example.com", "b@example.com"))
    assert [result.fate for result in results] == [Fate.LATER, Fate.LATER]


async def test_a_server_that_closes_in_the_midst_of_a_mail() -> None:
    async with scripted_server(drop_in_data) as port, asyncio.timeout(5):
        results = await channel(port).send(deliveries("a@example.com", "b@example.com"))
    assert [result.fate for result in results] == [Fate.LATER, Fate.LATER]
