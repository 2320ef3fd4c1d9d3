"""The SunSpec devices of one site: discovered when its gateway is reached, the missing ones again later."""

from __future__ import annotations

from drivers.line import Silence, Unreachable
from drivers.registers import Plan
from drivers.sunspec import Ask, DiscoveryError, SunSpecDevice, discover, lacking, resolved, units_of
from drivers.sunspecmap import SunSpecMap
from nodeset.index import TagIndex


class SunSpecSite:
    """What is known of a site's devices; `reasons` says by unit id why one is none."""

    def __init__(self, index: TagIndex, found: SunSpecMap, site: int) -> None:
        self._index, self._map, self._site = index, found, site
        self.units = units_of(index, found, site)
        self.devices: dict[int, SunSpecDevice] = {}
        self.reasons: dict[int, str] = {}

    @property
    def plan(self) -> Plan:
        """The plan of what has been discovered."""
        return resolved(self._index, self._map, self._site, self.devices)

    async def discover(self, ask: Ask) -> Plan:
        """Look at all units afresh; `DiscoveryError` or `Silence` where none is such a device."""
        self.devices, self.reasons = {}, {}
        silence: Silence | None = None
        for unit in self.units:
            silence = await self._look(ask, unit) or silence
        if not self.devices:
            raise silence or DiscoveryError("; ".join(self.reasons.values()))
        return self.plan

    async def again(self, ask: Ask) -> Plan | None:
        """Look at one unit that was missing, in turn; the plan when it is a device now."""
        if not self.reasons:
            return None
        unit = next(iter(self.reasons))
        self.reasons[unit] = self.reasons.pop(unit)
        await self._look(ask, unit)
        return self.plan if unit in self.devices else None

    def lacking(self) -> list[str]:
        """What the map has and the devices have not."""
        return lacking(self._index, self._map, self._site, self.devices)

    async def _look(self, ask: Ask, unit: int) -> Silence | None:
        """Note what a unit is; its silence, unless there is no connection at all, which is raised."""
        try:
            self.devices[unit] = await discover(ask, self._map, unit)
            self.reasons.pop(unit, None)
        except DiscoveryError as error:
            self.reasons[unit] = str(error)
        except Unreachable:
            raise
        except Silence as silence:
            self.reasons[unit] = f"unit {unit}: {silence}"
            return silence
        return None
