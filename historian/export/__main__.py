"""The process in which a server makes a file, lest it cost the scan (`python -m historian.export`).

One line of JSON on standard input says what to make (`Order`); `child` says how it goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from historian.export.child import make
from historian.export.files import write
from historian.export.lines import Progress
from historian.export.order import Order
from historian.export.request import Request
from historian.export.sources import opened


def main() -> int:
    """Make the file that the first line asks for."""
    order = Order.of_json(sys.stdin.readline())

    def export(progress: Progress) -> None:
        with opened(order.url, Path(order.home)) as connection:
            write(connection, Request.of_json(order.request), Path(order.path), progress)

    return make(export, order.limit)


if __name__ == "__main__":
    sys.exit(main())
