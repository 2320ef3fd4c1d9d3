"""What corrections of history have superseded, deleted or inserted (Part 11, 6.5.3.3)."""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua

from historian.historian import Historian
from server.errors import ServiceError
from server.history.encoding import NO_MODIFIED_VALUES, ValueEncoder, encoded
from server.history.raw import RawTerms, check_domain, raw_terms
from server.history.reading import HistoryNode, Page
from server.protocol.sessions import Session

S = ua.StatusCodes


class ModifiedReader:
    """Modified values from the historian, with who made the change and when."""

    empty: Final = NO_MODIFIED_VALUES

    def __init__(self, historian: Historian, encoder: ValueEncoder) -> None:
        self._historian = historian
        self._encoder = encoder

    def check(self, details: ua.ReadRawModifiedDetails, nodes: int) -> None:
        """As of raw values; there are no bounds."""
        check_domain(details)
        if details.ReturnBounds:
            raise ServiceError(S.BadInvalidArgument)

    def terms(self, details: ua.ReadRawModifiedDetails, place: int, node: HistoryNode) -> RawTerms:
        """The same for all nodes."""
        return raw_terms(details)

    async def read(self, session: Session, node: HistoryNode, terms: RawTerms, rest: Any, share: int) -> Page:
        """A page; `rest` is the historian's."""
        limit = min(terms.limit or share, share)
        found = await self._historian.edits.read_modified(node.row, terms.start, terms.end, limit, rest)
        status = S.Good if len(found.time) else S.GoodNoData
        return Page(status, await encoded(self._encoder.modified, node.row, found), found.rest)
