"""Keys for chance: a number for each asset that depends on its name alone.

A jar keeps its luck when other jars are added before it, and a replaced jar (another serial) gets its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from nodeset.fleet import Index, Jar, Site, String, System


def keys_of(assets: Sequence[Site | System | String]) -> Index:
    """A key for each asset, from its path."""
    return np.array([crc32(asset.path.encode()) for asset in assets], np.intp)


def keys_of_jars(jars: Sequence[Jar]) -> Index:
    """A key for each jar, from its serial number."""
    return np.array([crc32(jar.serial.encode()) for jar in jars], np.intp)
