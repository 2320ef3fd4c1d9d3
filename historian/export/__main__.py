"""The process in which a server makes a file, lest it cost the scan (`python -m historian.export`).

One line of JSON on standard input says what to make (`Order`). Standard output tells, a line each, the share
that is done, then `done` or `error:` and why not. When standard input ends, so does the process: whoever
asked is gone.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from pathlib import Path
from typing import Final

from historian.errors import HistorianError
from historian.export.files import write
from historian.export.order import Order
from historian.export.request import Request
from historian.export.sources import opened

NICENESS: Final = 10


def main() -> int:
    """Make the file that the first line asks for."""
    order = Order.of_json(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (order.limit, order.limit))
    try:
        with opened(order.url, Path(order.home)) as connection:
            write(connection, Request.of_json(order.request), Path(order.path), _tell)
    except HistorianError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"The file cannot be written: {error.strerror or error}.")
    print("done", flush=True)
    return 0


def _fail(reason: str) -> int:
    print("error:", " ".join(reason.split()), flush=True)
    return 1


def _tell(share: float) -> None:
    print(f"{share:.4f}", flush=True)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
