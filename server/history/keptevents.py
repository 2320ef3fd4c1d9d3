"""Events as the journal keeps them, and as events again that tell every field as they did then.

A condition's event is its state and its definition, so the code that tells it live tells it later. Its
message is kept as it was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from historian.events import ConditionRow, EventRow
from server.alarms.definitiontext import definition_of, definition_text
from server.alarms.events import ConditionEvent, ConditionState
from server.alarms.limits import ConditionLimits
from server.alarms.messages import message
from server.events.event import SERVER, Event, PlainEvent
from server.history.nametexts import NameTexts

_SOURCE_NODE: Final = ("SourceNode",)


class KeptEvents:
    """Turns events into rows and back; `uris` are those of all namespaces, `fleet` the fleet's index."""

    def __init__(self, uris: Sequence[str], fleet: int) -> None:
        self.names = NameTexts(uris)
        self._fleet = fleet
        self._type_text = lru_cache(maxsize=256)(self.names.node_id)
        self.type_of = lru_cache(maxsize=256)(self.names.as_node_id)

    def row(self, event: ConditionEvent | PlainEvent, number: int) -> EventRow:
        """An event for the journal, the `number`th of all."""
        return (
            self._condition(event, number)
            if isinstance(event, ConditionEvent)
            else self._plain(event, number)
        )

    def event(self, row: EventRow) -> Event:
        """The event that a row keeps."""
        if row.condition is not None:
            return self._condition_event(row, row.condition)
        kept = row.fields or {}
        fields = {self.names.as_path(text): self.names.as_value(value) for text, value in kept.items()}
        source = fields.pop(_SOURCE_NODE, None)
        return PlainEvent(
            self.type_of(row.type),
            row.time,
            row.message,
            row.severity,
            row.source,
            SERVER if source is None else source.Value,
            fields,
            row.event_id,
            row.simulated,
        )

    def _plain(self, event: PlainEvent, number: int) -> EventRow:
        fields = {_SOURCE_NODE: event.value(_SOURCE_NODE), **event.more}
        return EventRow(
            event.time,
            number,
            event.event_id,
            self.names.node_id(event.type),
            event.source,
            event.level,
            event.simulated,
            event.message,
            {self.names.path(path): self.names.value(value) for path, value in fields.items()},
        )

    def _condition(self, event: ConditionEvent, number: int) -> EventRow:
        state, definition = event.state, event.definition
        return EventRow(
            state.time,
            number,
            event.event_id,
            self._type_text(event.type),
            event.source,
            state.severity,
            event.simulated,
            message(event),
            None,
            ConditionRow(
                definition.name,
                definition_text(definition, event.limits),
                event.change,
                state.enabled,
                state.level,
                state.acked,
                state.last_severity,
                state.quality,
                state.value,
                state.active_time,
                state.acked_time,
                state.enabled_time,
                state.quality_time,
                state.severity_time,
                state.comment_time,
                state.comment,
                state.user,
                confirmed=state.confirmed,
                shelved=state.shelved,
                suppressed=state.suppressed,
                out_of_service=state.out_of_service,
                branch=state.branch,
                branches=state.branches,
                confirmed_time=state.confirmed_time,
                shelved_time=state.shelved_time,
                shelved_until=state.shelved_until,
                suppressed_time=state.suppressed_time,
                service_time=state.service_time,
            ),
        )

    def _condition_event(self, row: EventRow, told: ConditionRow) -> ConditionEvent:
        state = ConditionState(
            enabled=told.enabled,
            level=told.level,
            acked=told.acked,
            severity=row.severity,
            last_severity=told.last_severity,
            quality=told.quality,
            value=told.value,
            event=int.from_bytes(row.event_id[8:], "big"),
            time=row.time,
            active_time=told.active_time,
            acked_time=told.acked_time,
            enabled_time=told.enabled_time,
            quality_time=told.quality_time,
            severity_time=told.severity_time,
            comment_time=told.comment_time,
            comment=told.comment,
            user=told.user,
            confirmed=told.confirmed,
            shelved=told.shelved,
            suppressed=told.suppressed,
            out_of_service=told.out_of_service,
            branch=told.branch,
            branches=told.branches,
            confirmed_time=told.confirmed_time,
            shelved_time=told.shelved_time,
            shelved_until=told.shelved_until,
            suppressed_time=told.suppressed_time,
            service_time=told.service_time,
        )
        definition = definition_of(told.definition)
        return ConditionEvent(
            definition,
            row.source,
            self._fleet,
            row.event_id,
            told.change,
            state,
            ConditionLimits.of(definition),
            row.simulated,
            row.message,
        )
