"""What can go wrong with the historian. There is one error; its text is a paragraph for the operator.

HistorianError
    AlreadyRunning    another Voltkeep uses the same home
"""

from __future__ import annotations


class HistorianError(Exception):
    """The historian cannot start, or cannot answer; the message says why and what to do."""


class AlreadyRunning(HistorianError):
    """Another Voltkeep uses the same home."""
