"""The notification file: who is told of which alarms, when, by what; its shape and its checks, no behaviour.

Passwords never stand in it: it names the environment variable or the file that holds one. A wrong file
raises `ConfigurationError`, which lists every fault with its key and line.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Container, Iterator
from email.utils import getaddresses
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from config.yamlfile import ConfigurationError, Loc, YamlFile, check, load
from config.zone import Zone

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLD: Final = "hold"
PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
FLEET: Final = "Fleet"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_ADDRESS: Final = re.compile(r"^[^\s@,;<>]{1,64}@[^\s@,;<>]{1,255}$")
_HOURS: Final = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$")

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$")]
Host = Annotated[str, StringConstraints(pattern=r"^[^\s/@]{1,253}$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,60}$")]
Seconds = Annotated[float, Field(gt=0, le=300, description="[s]")]
Minutes = Annotated[float, Field(gt=0, le=10_080, description="[min]")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Class = Literal["process", "maintenance", "safety", "system"]
Event = Literal["activated", "worsened", "acknowledged", "cleared"]


class Part(BaseModel):
    """A mapping of the file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _one_address(text: str) -> str:
    """A single mail address, with or without a name before it."""
    found = getaddresses([text])
    if len(found) != 1 or not _ADDRESS.match(found[0][1]) or not text.isprintable():
        raise ValueError("must be one mail address, like duty@example.com or Duty <duty@example.com>")
    return text


Address = Annotated[str, StringConstraints(max_length=320), AfterValidator(_one_address)]


class Secret(Part):
    """Where a secret is: an environment variable, or a file whose first line it is."""

    variable: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if (self.variable is None) == (self.file is None):
            raise ValueError("either variable or file")
        return self

    def read(self) -> str:
        """The secret; ValueError says why there is none."""
        if self.variable is not None:
            text = os.environ.get(self.variable, "")
            if not text:
                raise ValueError(f"the environment variable {self.variable} is not set")
            return text
        assert self.file is not None
        try:
            text = self.file.read_text(encoding="utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{self.file} cannot be read: {getattr(error, 'strerror', error)}") from None
        if not text:
            raise ValueError(f"{self.file} is empty")
        return text


class Mail(Part):
    """The mail server that takes messages (SMTP submission, RFC 6409)."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65_535, description="587 with starttls, 465 with tls, 25")] | None = (
        None
    )
    security: Annotated[
        Literal["starttls", "tls", "none"], Field(description="none: on this machine only, or without a user")
    ] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: Address
    ca_file: Annotated[Path, Field(description="certificates to trust instead of the system's")] | None = None
    timeout: Annotated[Seconds, Field(description="[s] for an answer of the server")] = 30.0

    @property
    def server_port(self) -> int:
        """The port, which goes by `security` where none is set."""
        return self.port or PORTS[self.security]

    @model_validator(mode="after")
    def _whole(self) -> Mail:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        if self.user is not None and self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("a password is not sent over a connection without TLS (security)")
        return self


class Webhook(Part):
    """An HTTPS address that takes messages as JSON."""

    url: Annotated[str, StringConstraints(max_length=2000)]
    secret: Annotated[Secret, Field(description="signs every message (HMAC-SHA256)")] | None = None
    headers: Annotated[dict[HeaderName, str | Secret], Field(description="further headers")] = {}
    ca_file: Annotated[Path, Field(description="certificates to trust instead of the system's")] | None = None
    timeout: Annotated[Seconds, Field(description="[s] for the whole answer")] = 10.0

    @model_validator(mode="after")
    def _safe(self) -> Webhook:
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ValueError(f"url: {error}") from None
        plain = parts.scheme == "http" and host in _LOOPBACK
        if not host or not (parts.scheme == "https" or plain):
            raise ValueError("url: must be https://..., or http:// on this machine")
        if parts.username is not None:
            raise ValueError("url: a password belongs in a header, not in the address")
        if any(isinstance(text, str) and not text.isprintable() for text in self.headers.values()):
            raise ValueError("headers: a value is one line of text")
        return self


class RateLimit(Part):
    """How many messages a group gets; what is more becomes one digest."""

    messages: Annotated[int, Field(ge=1, le=1000)] = 10
    minutes: Minutes = 10.0


class Group(Part):
    """Who is told together."""

    mail: Annotated[list[Address], Field(max_length=50)] = []
    webhooks: Annotated[list[str], Field(max_length=10, description="by name")] = []
    language: Literal["en", "th"] = "en"
    limit: RateLimit = RateLimit()

    @model_validator(mode="after")
    def _somebody(self) -> Group:
        if not self.mail and not self.webhooks:
            raise ValueError("a group needs a mail address or a webhook")
        return self


class Schedule(Part):
    """Hours of the week; `22:00-06:00` ends on the day after."""

    days: Annotated[list[Day], Field(min_length=1)] = [*DAYS]
    hours: Annotated[str, StringConstraints(pattern=_HOURS.pattern)] = "00:00-24:00"
    holidays: Annotated[list[dt.date], Field(description="days that do not count")] = []

    @property
    def span(self) -> tuple[int, int]:
        """Begin and end [min of the day]."""
        h, m, to_h, to_m = map(int, re.split("[:-]", self.hours))
        return h * 60 + m, to_h * 60 + to_m

    @model_validator(mode="after")
    def _some_hours(self) -> Schedule:
        begin, end = self.span
        if begin == end or end > 24 * 60:
            raise ValueError("hours: must be a span of the day, like 08:00-17:00")
        return self


class Step(Part):
    """Whom to tell when nobody has acknowledged for so long."""

    after: Annotated[Minutes, Field(description="[min] since the alarm was told")]
    to: str


class Rule(Part):
    """Which alarms are told to whom, and when."""

    name: Name
    to: Annotated[str, Field(description="a group")]
    where: Annotated[list[str], Field(description="sites, systems ... (Bangrak/UPS-1); none: all")] = []
    classes: list[Class] = []
    conditions: Annotated[list[str], Field(description="by name; none: all")] = []
    severity: Annotated[int, Field(ge=1, le=1000, description="at least")] = 1
    tell: list[Event] = ["activated", "worsened", "cleared"]
    schedule: Annotated[str, Field(description="when the group is there; none: always")] | None = None
    otherwise: Annotated[str, Field(description="outside of it: hold, or another group")] = HOLD
    escalate: Annotated[list[Step], Field(max_length=10)] = []
    simulated: Annotated[bool, Field(description="tell what is simulated too, marked as such")] = False


class NotifyFile(Part):
    """The whole file."""

    time_zone: Annotated[Zone | None, Field(description="of hours and messages; none: the fleet's")] = None
    gather: Annotated[
        float,
        Field(ge=0, le=600, description="[s] that alarms of a site are waited for, to go as one message"),
    ] = 10.0
    max_waiting: Annotated[int, Field(ge=100, le=1_000_000, description="messages that wait at most")] = (
        10_000
    )
    mail: Mail | None = None
    webhooks: dict[Name, Webhook] = {}
    groups: Annotated[dict[Name, Group], Field(min_length=1)]
    schedules: dict[Name, Schedule] = {}
    rules: Annotated[list[Rule], Field(min_length=1, max_length=200)]


def read_notify_file(path: Path, assets: Container[str], conditions: Container[str]) -> NotifyFile:
    """Read and check `path`; `assets` holds the path of every asset, `conditions` every condition's name."""
    source = load(path)
    file = check(source, NotifyFile)
    faults = [
        *_reference_faults(source, file),
        *_rule_faults(source, file, assets, conditions),
        *_secret_faults(source, file),
    ]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return file


def json_schema() -> dict[str, Any]:
    """JSON Schema of the notification file, for editors and other tools."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Voltkeep notification",
    } | NotifyFile.model_json_schema()


def _reference_faults(source: YamlFile, file: NotifyFile) -> Iterator[str]:
    """Groups that name what is not there."""
    for name, group in file.groups.items():
        if group.mail and file.mail is None:
            yield source.error(("groups", name, "mail"), "there is no mail server (mail)")
        for i, hook in enumerate(group.webhooks):
            if hook not in file.webhooks:
                yield source.error(("groups", name, "webhooks", i), _unknown("webhook", hook, file.webhooks))


def _rule_faults(
    source: YamlFile, file: NotifyFile, assets: Container[str], conditions: Container[str]
) -> Iterator[str]:
    names: set[str] = set()
    for i, rule in enumerate(file.rules):
        loc: Loc = ("rules", i)
        if rule.name in names:
            yield source.error((*loc, "name"), f"another rule is called '{rule.name}'")
        names.add(rule.name)
        yield from _group_faults(source, file, rule, loc)
        if rule.schedule is not None and rule.schedule not in file.schedules:
            text = _unknown("schedule", rule.schedule, file.schedules)
            yield source.error((*loc, "schedule"), text)
        for j, path in enumerate(rule.where):
            if path not in assets:
                yield source.error((*loc, "where", j), f"unknown part '{path}' of the fleet")
        for j, name in enumerate(rule.conditions):
            if name not in conditions:
                yield source.error((*loc, "conditions", j), f"unknown condition '{name}'")


def _group_faults(source: YamlFile, file: NotifyFile, rule: Rule, loc: Loc) -> Iterator[str]:
    wanted: list[tuple[Loc, str]] = [((*loc, "to"), rule.to)]
    if rule.otherwise != HOLD:
        wanted.append(((*loc, "otherwise"), rule.otherwise))
    wanted += [((*loc, "escalate", i, "to"), step.to) for i, step in enumerate(rule.escalate)]
    for where, group in wanted:
        if group not in file.groups:
            yield source.error(where, _unknown("group", group, file.groups))
    for i, (before, step) in enumerate(pairwise(rule.escalate), 1):
        if step.after <= before.after:
            yield source.error(
                (*loc, "escalate", i, "after"), f"must be after the step before it ({before.after:g})"
            )


def _secret_faults(source: YamlFile, file: NotifyFile) -> Iterator[str]:
    """Secrets and certificates that cannot be read: better now than at the first alarm."""
    for loc, secret in _secrets(file):
        try:
            secret.read()
        except ValueError as error:
            yield source.error(loc, str(error))
    parts: list[tuple[Loc, Path | None]] = [(("mail", "ca_file"), file.mail.ca_file if file.mail else None)]
    parts += [(("webhooks", name, "ca_file"), hook.ca_file) for name, hook in file.webhooks.items()]
    for loc, path in parts:
        if path is not None and not path.is_file():
            yield source.error(loc, f"{path} is no file")


def _secrets(file: NotifyFile) -> Iterator[tuple[Loc, Secret]]:
    if file.mail is not None and file.mail.password is not None:
        yield ("mail", "password"), file.mail.password
    for name, hook in file.webhooks.items():
        if hook.secret is not None:
            yield ("webhooks", name, "secret"), hook.secret
        for header, value in hook.headers.items():
            if isinstance(value, Secret):
                yield ("webhooks", name, "headers", header), value


def _unknown(kind: str, name: str, known: dict[str, Any]) -> str:
    return f"unknown {kind} '{name}' (known: {', '.join(known) or 'none'})"
