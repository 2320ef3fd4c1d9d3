"""A report as a mail: a short text in its language, and the files (RFC 5322, RFC 2045); pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Final

from historian.export.request import Format
from server.reports.period import Period
from server.reports.wording import Wording

TYPES: Final = {
    Format.PDF: ("application", "pdf"),
    Format.EXCEL: ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    Format.CSV: ("text", "csv"),
}
_POLICY: Final = SMTP.clone(cte_type="7bit")  # no server is asked for more
_OTHER: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Attachment:
    """A file of a mail."""

    name: str
    format: Format
    content: bytes


@dataclass(frozen=True)
class Envelope:
    """Of which schedule, from whom and to whom, and when it was due."""

    schedule: str
    sender: str
    to: Sequence[str]
    due: dt.datetime

    @property
    def id(self) -> str:
        """The same whenever it is tried again, so that mail servers know a mail that comes twice."""
        domain = getaddresses([self.sender])[0][1].rpartition("@")[2]
        slug = _OTHER.sub("-", self.schedule.lower()).strip("-")
        return f"<report-{slug}-{self.due:%Y%m%dT%H%M%SZ}@{domain}>"


def mail_bytes(
    envelope: Envelope, of: str, period: Period, say: Wording, files: Sequence[Attachment]
) -> bytes:
    """The mail to all, for whoever of them it is sent to; `of` names the fleet or the site."""
    kind = "Weekly" if period.weekly else "Monthly"
    title = say(f"{kind} battery report, {{period}}", period=say.dates.period(period))
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _addresses([envelope.sender])
    mail["To"] = _addresses(envelope.to)
    mail["Subject"] = f"{of}: {title}"
    mail["Date"] = format_datetime(envelope.due)
    mail["Message-ID"] = envelope.id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes, please
    named = say("Attached: {files}.", files=", ".join(file.name for file in files))
    signed = say("Sent by Voltkeep as scheduled ({name}).", name=envelope.schedule)
    mail.set_content(f"{of}\n{title}\n\n{named}\n\n-- \n{signed}\n", charset="utf-8", cte="quoted-printable")
    for file in files:
        main, sub = TYPES[file.format]
        charset = {"charset": "utf-8"} if main == "text" else {}
        mail.add_attachment(file.content, main, sub, filename=file.name, params=charset)
    return mail.as_bytes()


def _addresses(texts: Sequence[str]) -> list[Address]:
    return [Address(name, addr_spec=address) for name, address in getaddresses(texts)]
