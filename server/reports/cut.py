"""Where a table of a report ends that could go on for pages; pure."""

from __future__ import annotations

from typing import Final

from server.reports.wording import Wording, number

MOST: Final = 40  # rows


def more(count: int, say: Wording) -> str:
    """What a table of so many rows says below itself."""
    return (
        say("and {n} more, which the workbook (Excel) lists", n=number(count - MOST)) if count > MOST else ""
    )
