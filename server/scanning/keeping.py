"""What the historian keeps of simulations: their rows while they run, nothing when they have ended (S5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from historian.historian import Historian
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.index import TagIndex

Flags = NDArray[np.bool_]


class Keeping:
    """Gives the historian what is simulated, and has it forgotten."""

    def __init__(self, historian: Historian, index: TagIndex) -> None:
        self._historian = historian
        self._index = index
        self._touched: Flags = np.zeros(index.size, np.bool_)

    def touch(self, touched: Flags) -> None:
        """From now on these rows are simulated; what was kept of others is forgotten."""
        over = ended(self._index, self._touched, touched)
        self._touched = touched
        if over.any():
            self._historian.purge(over)

    def take(self, frame: Frame) -> None:
        """Keep a frozen frame's rows of what is simulated."""
        self._historian.offer_simulated(frame, self._touched)


def ended(index: TagIndex, before: Flags, after: Flags) -> Flags:
    """Rows of the assets that are simulated no more, and of those above them, whose sums hold theirs."""
    fleet = index.fleet
    over = {asset: np.zeros(fleet.count(asset), np.bool_) for asset in AssetType}
    for tag in index.tags:
        rows = index.slice(tag.asset, tag.name)
        over[tag.asset] |= before[rows] & ~after[rows]
    over[AssetType.STRING][fleet.string_of_jar[over[AssetType.JAR]]] = True
    over[AssetType.SYSTEM][fleet.system_of_string[over[AssetType.STRING]]] = True
    over[AssetType.SITE][fleet.site_of_system[over[AssetType.SYSTEM]]] = True
    over[AssetType.FLEET] |= over[AssetType.SITE].any()
    found = np.zeros(len(before), np.bool_)
    for tag in index.tags:
        found[index.slice(tag.asset, tag.name)] = over[tag.asset]
    return found
