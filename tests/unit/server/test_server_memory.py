"""The collector rests while a server starts, and works again once it is there."""

from __future__ import annotations

import gc

from server import memory


def test_the_collector_rests_from_begin_to_settle() -> None:
    try:
        memory.begin()
        assert not gc.isenabled()
        memory.settle()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()
