"""Alarms.ListDefinitions: the conditions as the alarm file declares them, before anything differs (A2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from asyncua import ua

from server.alarms.definition import LIMIT_LEVELS, MICROSECONDS, ConditionIndex
from server.security.permissions import Profile
from server.services.method import Invocation, MethodService, Outputs

VT = ua.VariantType


class AlarmDefinitionMethods:
    """The method on the definitions of an index."""

    def __init__(self, index: ConditionIndex) -> None:
        self._index = index

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the method of the Alarms object."""
        methods.add(node_id("Alarms.ListDefinitions"), Profile.CALL_OPEN, self._list)

    def _list(self, _call: Invocation) -> Outputs:
        defs, levels = self._index.defs, range(len(LIMIT_LEVELS))
        return (
            _strings(d.name for d in defs),
            _strings(d.asset for d in defs),
            _counts(self._index.fleet.count(d.asset) for d in defs),
            _strings(d.tag.name for d in defs),
            _strings(d.measure.kind for d in defs),
            _strings(d.unit for d in defs),
            _counts(d.cells for d in defs),
            _strings(d.kind for d in defs),
            *(_doubles(d.limits[level] for d in defs) for level in levels),
            *(_counts(d.severities[level] for d in defs) for level in levels),
            _doubles(d.hysteresis for d in defs),
            _doubles(d.on_delay / MICROSECONDS for d in defs),
            _doubles(d.off_delay / MICROSECONDS for d in defs),
            _strings(d.advice for d in defs),
        )


def _strings(texts: Iterable[str]) -> ua.Variant:
    return ua.Variant([str(text) for text in texts], VT.String, is_array=True)


def _doubles(numbers: Iterable[float]) -> ua.Variant:
    return ua.Variant([float(number) for number in numbers], VT.Double, is_array=True)


def _counts(numbers: Iterable[int]) -> ua.Variant:
    return ua.Variant([int(number) for number in numbers], VT.UInt32, is_array=True)
