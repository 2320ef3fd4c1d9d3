"""What can stop an offline run."""

from __future__ import annotations


class OfflineError(Exception):
    """The run cannot be done, or not go on; the text is meant for the user as it is."""
