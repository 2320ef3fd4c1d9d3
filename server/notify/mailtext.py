"""A message as a mail (RFC 5322): headers that thread it with others of its alert, and plain text."""

from __future__ import annotations

import datetime as dt
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Final

from server.notify.message import Kind, Message

_IMPORTANT: Final = (Kind.ALARM, Kind.UPDATE, Kind.ESCALATION)
_POLICY: Final = SMTP.clone(cte_type="7bit")  # no server is asked for more


def mail_bytes(message: Message, sender: str, to: list[str], important: bool) -> bytes:
    """The mail from `sender` to all of a group, for whoever of them it is sent to."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _addresses([sender])
    mail["To"] = _addresses(to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(dt.datetime.fromtimestamp(message.created, dt.UTC))
    domain = address_of(sender).rpartition("@")[2]
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    if message.id != message.thread:
        mail["In-Reply-To"] = mail["References"] = f"<{message.thread}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes, please
    if important and message.kind in _IMPORTANT:
        mail["Importance"] = "high"
    mail.set_content(message.text, charset="utf-8", cte="quoted-printable")
    return mail.as_bytes()


def address_of(text: str) -> str:
    """The address proper of `Duty <duty@example.com>`."""
    return getaddresses([text])[0][1]


def _addresses(texts: list[str]) -> list[Address]:
    return [Address(name, addr_spec=address) for name, address in getaddresses(texts)]
