"""Annotations of values (Part 11, 5.1.2, 6.6.6 and 6.9.3): the history of Annotations properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asyncua import ua

from historian.annotations import Annotation, Annotations, Key
from historian.changes import Change
from server.errors import ServiceError
from server.history.encoding import HISTORY_DATA, NO_VALUES, extension_object
from server.history.raw import RawTerms, check_domain, raw_terms
from server.history.reading import HistoryNode, Page, microseconds
from server.history.update import Result
from server.history.updatedetails import DeleteRange, DeleteTimes, UpdateValues
from server.protocol.sessions import Session
from server.protocol.wire import I32, I64, string, ticks
from server.security.users import Role

S = ua.StatusCodes

MAX_MESSAGE: Final = 4000  # characters
_AT_ONCE: Final = 1000  # annotations of a page
_ANNOTATION: Final = int(ua.ObjectIds.Annotation_Encoding_DefaultBinary)
# A DataValue with value, status and source time; a Variant with one ExtensionObject (Part 6, 5.2.2).
_HEAD: Final = b"\x07\x16"
_GOOD: Final = bytes(4)


class AnnotationReader:
    """Annotations as raw history, in the order of the values that they are of."""

    empty: Final = NO_VALUES

    def __init__(self, annotations: Annotations) -> None:
        self._annotations = annotations

    def check(self, details: ua.ReadRawModifiedDetails, nodes: int) -> None:
        """As of values."""
        check_domain(details)

    def terms(self, details: ua.ReadRawModifiedDetails, place: int, node: HistoryNode) -> RawTerms:
        """As of values, but there are no bounds (Part 11, 6.5.3.2)."""
        if details.ReturnBounds:
            raise ServiceError(S.BadBoundNotSupported)
        return raw_terms(details)

    async def read(
        self, session: Session, node: HistoryNode, terms: RawTerms, rest: Key | None, share: int
    ) -> Page:
        """A page; `rest` is the key of the last annotation before it."""
        limit = min(terms.limit or share, share, _AT_ONCE)
        notes, rest = await self._annotations.read(node.row, terms.start, terms.end, limit, rest)
        body = I32.pack(len(notes)) + b"".join(map(_encoded, notes))
        return Page(S.Good if notes else S.GoodNoData, extension_object(HISTORY_DATA, body), rest)


class AnnotationUpdates:
    """Keeps annotations; `clock` is the plant's [µs].

    Nobody writes in another's name. An Operator removes only what is the own; an Engineer also others'.
    """

    def __init__(self, annotations: Annotations, clock: Callable[[], int]) -> None:
        self._annotations = annotations
        self._clock = clock

    async def change(
        self, session: Session, node: HistoryNode, details: UpdateValues | DeleteRange | DeleteTimes
    ) -> Result:
        """Do what `details` say of a variable's annotations."""
        if not isinstance(details, UpdateValues) or not details.structured:
            raise ServiceError(S.BadHistoryOperationUnsupported)
        change, now = Change(details.action), self._clock()
        asked = [_asked(session, change, each, now + i) for i, each in enumerate(details.values)]
        notes = [each for each in asked if isinstance(each, Annotation)]
        done = await self._annotations.change(node.row, change, notes)
        codes = iter(done.codes)
        return Result(
            int(S.Good),
            [next(codes) if isinstance(each, Annotation) else each for each in asked],
            [structure(note) for note in done.old if note is not None],
        )


def structure(note: Annotation) -> ua.Annotation:
    """An annotation as OPC UA has it."""
    return ua.Annotation(note.message, note.user, ua.win_epoch_to_datetime(ticks(note.made_at)))


def _asked(session: Session, change: Change, sent: ua.DataValue, now: int) -> Annotation | int:
    """The annotation that is meant, or the StatusCode with which it is refused."""
    time = microseconds(sent.SourceTimestamp)
    if time is None:
        return int(S.BadInvalidTimestamp)
    found: Any = sent.Value.Value if sent.Value is not None else None
    if not isinstance(found, ua.Annotation):
        return int(S.BadTypeMismatch)
    made_at = microseconds(found.AnnotationTime)
    made_at = now if made_at is None else made_at
    if not 0 <= time <= now or not 0 <= made_at <= now:
        return int(S.BadOutOfRange)
    user = found.UserName or session.user.name
    removes = change is Change.DELETE
    if user != session.user.name and not (removes and session.user.may(Role.ENGINEER)):
        return int(S.BadUserAccessDenied)
    message = found.Message or ""
    if not removes and not 0 < len(message) <= MAX_MESSAGE:
        return int(S.BadOutOfRange)
    if "\0" in message + user:  # which the database has no text for
        return int(S.BadOutOfRange)
    return Annotation(time, made_at, user, message)


def _encoded(note: Annotation) -> bytes:
    body = b"".join((string(note.message), string(note.user), I64.pack(ticks(note.made_at))))
    return b"".join((_HEAD, extension_object(_ANNOTATION, body), _GOOD, I64.pack(ticks(note.time))))
