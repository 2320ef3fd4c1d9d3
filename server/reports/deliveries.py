"""What became of scheduled reports, kept in a file so that a restart neither loses nor repeats one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

import structlog

from server.statefiles import read_text, write_text

log = structlog.get_logger(__name__)

STATE_FILE = "reports.json"


class Outcome(StrEnum):
    """How the last delivery of a schedule went."""

    NONE = "None"  # not due yet
    DUE = "Due"  # and on its way
    DELIVERED = "Delivered"
    FAILING = "Failing"  # and tried again
    FAILED = "Failed"  # refused for good by some, delivered to the others


@dataclass
class Delivery:
    """The last delivery of a schedule; times in µs since 1970 by the plant's clock, 0 is never.

    `due` is what it was, or is, for. Nothing that was due before `since` is delivered: it was not scheduled
    then. `done` names where it went, `refused` who did not take it.
    """

    since: int
    due: int = 0
    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    tries: int = 0
    again: int = 0
    finished: int = 0
    error: str = ""

    @property
    def outcome(self) -> Outcome:
        """How it went."""
        if not self.due:
            return Outcome.NONE
        if not self.finished:
            return Outcome.FAILING if self.error else Outcome.DUE
        return Outcome.FAILED if self.refused else Outcome.DELIVERED

    def begin(self, due: int) -> None:
        """The one that is due now; whatever was before is over."""
        self.due, self.done, self.refused = due, [], []
        self.tries = self.again = self.finished = 0
        self.error = ""


class Deliveries:
    """By the name of their schedules."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATE_FILE
        self._all: dict[str, Delivery] = {}
        text = read_text(self._path)
        if text is not None:
            try:
                self._all = {name: Delivery(**fields) for name, fields in json.loads(text).items()}
            except (ValueError, TypeError, AttributeError) as error:
                log.warning("what became of reports is not known", path=str(self._path), reason=str(error))

    def of(self, name: str, now: int) -> Delivery:
        """That of a schedule, which is new where there is none."""
        return self._all.setdefault(name, Delivery(now))

    def save(self) -> None:
        """Write all; it blocks."""
        write_text(self._path, json.dumps({name: asdict(each) for name, each in self._all.items()}))
