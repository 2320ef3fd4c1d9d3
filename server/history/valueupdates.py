"""Corrections of variables (Part 11, 6.9.2, 6.9.5 and 6.9.6)."""

from __future__ import annotations

from collections.abc import Callable

from asyncua import ua

from historian.changes import Change
from historian.edits import EditRefused
from historian.historian import Historian
from server.errors import ServiceError
from server.history.corrections import ValueForms
from server.history.reading import HistoryNode
from server.history.update import Result
from server.history.updatedetails import DeleteRange, DeleteTimes, UpdateValues
from server.protocol.sessions import Session

S = ua.StatusCodes


class ValueUpdates:
    """Corrects values; `clock` is the plant's [µs]."""

    def __init__(self, historian: Historian, forms: ValueForms, clock: Callable[[], int]) -> None:
        self._historian = historian
        self._forms = forms
        self._clock = clock

    async def change(
        self, session: Session, node: HistoryNode, details: UpdateValues | DeleteRange | DeleteTimes
    ) -> Result:
        """Do what `details` say of a variable."""
        user = session.user.name
        try:
            if isinstance(details, UpdateValues):
                return await self._write(node.row, details, user)
            if isinstance(details, DeleteRange):
                return await self._delete_range(node.row, details, user)
            return await self._delete_times(node.row, details, user)
        except EditRefused as refused:
            raise ServiceError(refused.code) from None

    async def _write(self, row: int, details: UpdateValues, user: str) -> Result:
        if details.structured:
            raise ServiceError(S.BadHistoryOperationUnsupported)
        if details.action == ua.PerformUpdateType.Remove:
            raise ServiceError(S.BadInvalidArgument)  # Part 11, 6.9.2.1
        values = self._forms.values(row, details.values)
        edited = await self._historian.edits.write(row, Change(details.action), values, user, self._clock())
        return Result(int(S.Good), edited.codes, self._forms.data_values(row, edited.old))

    async def _delete_range(self, row: int, details: DeleteRange, user: str) -> Result:
        """From the start to before the end; where they are equal, at that time."""
        start, end = details.start, details.end
        if start is None or end is None or start > end:
            raise ServiceError(S.BadInvalidTimestampArgument)
        if details.modified:  # what was corrected is kept for good
            raise ServiceError(S.BadHistoryOperationUnsupported)
        high = max(start, end - 1)
        cleared = await self._historian.edits.delete_range(row, start, high, user, self._clock())
        status = S.Good if cleared.count else S.BadNoData
        return Result(int(status), [], self._forms.data_values(row, cleared.old))

    async def _delete_times(self, row: int, details: DeleteTimes, user: str) -> Result:
        if not details.times:
            raise ServiceError(S.BadInvalidArgument)
        edited = await self._historian.edits.delete_at(row, details.times, user, self._clock())
        await self._historian.annotations.remove_at(row, details.times)  # Part 11, 6.9.6.2
        return Result(int(S.Good), edited.codes, self._forms.data_values(row, edited.old))
