"""How collector and allocator treat what a server keeps: nearly all of it is made at the start and stays.

Without this a start looks through its own objects dozens of times, and a large fleet's server keeps 40 MB of
holes. Where there is no glibc, only the collector is told.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# What is larger than this [bytes] goes back to the system at once. A scan of 500,000 variables asks for less.
_LARGE: Final = 4 << 20
_KEPT_FREE: Final = 32 << 20  # bytes that a scan frees and the next one needs again


def begin() -> None:
    """Before anything large is loaded: collect nothing until `settle`, and use one heap for all threads."""
    gc.disable()
    if libc := _libc():
        libc.mallopt(_ARENA_MAX, 1)
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)


def settle() -> None:
    """When all is there that stays: the collector leaves it alone from now on; what is free is given back."""
    gc.collect()
    gc.freeze()
    gc.enable()
    if libc := _libc():
        libc.malloc_trim(0)
        libc.mallopt(_TRIM_THRESHOLD, _KEPT_FREE)


def _libc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
