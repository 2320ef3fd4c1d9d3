"""The process in which a server makes a report, lest it cost the scan (`python -m server.reports`).

One line of JSON on standard input says what to make (`ReportOrder`); `historian.export.child` says how it
goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from config.yamlfile import ConfigurationError
from historian.export.child import make
from historian.export.lines import Progress
from historian.export.request import ExportError
from historian.export.sources import opened
from server.reports.request import ReportOrder
from server.reports.writing import write_report


def main() -> int:
    """Make the report that the first line asks for."""
    order = ReportOrder.of_json(sys.stdin.readline())

    def report(progress: Progress) -> None:
        try:
            with opened(order.url, Path(order.home)) as connection:
                write_report(connection, order, progress)
        except ConfigurationError as error:  # a file was changed under a server that runs
            raise ExportError(str(error)) from None

    return make(report, order.limit)


if __name__ == "__main__":
    sys.exit(main())
