"""What a server tells the process that makes a file for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Order:
    """A file to make: of which database, how large at most [bytes], and where; `request` is one as JSON."""

    url: str | None
    home: str
    request: str
    path: str
    limit: int

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Order:
        """What `to_json` wrote."""
        return cls(**json.loads(text))
