"""The figures of the alarm system as variables of the Alarms object (A6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asyncua import ua

from config.alarmmanagement import PRIORITIES
from nodeset.types import ALARM_FIGURES, VariableDef
from server.alarms.management.management import Management
from server.protocol.wire import now_ticks
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.assetnodes import AssetNodes
from server.space.declaredvariables import add_variables

ALARMS: Final = "Alarms"


class AlarmNodes:
    """What `management` has measured of the plant, whenever somebody reads it."""

    def __init__(self, management: Management) -> None:
        plant, settings = management.plant, management.settings
        self._read: dict[str, Callable[[], Any]] = {
            "Figures": lambda: [each.name for each in plant.figures()],
            "Values": lambda: [each.value for each in plant.figures()],
            "Targets": lambda: [each.target for each in plant.figures()],
            "Maxima": lambda: [each.maximum for each in plant.figures()],
            "Priorities": lambda: [name.capitalize() for name in PRIORITIES],
            "PrioritySeverities": lambda: list(settings.priorities.lowest()),
            "PriorityShares": plant.priority_shares,
            "PriorityTargets": lambda: list(settings.priority_shares.shares()),
            "AlarmsPerDay": plant.alarms_per_day,
            "PeakAlarmRate": plant.peak_rate,
            "FloodShare": plant.flood_share,
        }

    def describe(self, space: AddressSpace, assets: AssetNodes) -> None:
        """Give the Alarms object its variables."""
        add_variables(space, assets, ALARMS, ALARM_FIGURES, self._reader)

    def _reader(self, definition: VariableDef) -> nodes.Reader:
        read, kind = self._read[definition.name], ua.VariantType(definition.data_type.value)

        def value() -> ua.DataValue:
            now = ua.win_epoch_to_datetime(now_ticks())
            return ua.DataValue(
                ua.Variant(read(), kind, is_array=definition.array), ua.StatusCode(), now, now
            )

        return value
