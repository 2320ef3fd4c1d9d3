"""The statuses of a row as one text: `Good`, one name where all columns have it, else those by tag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from historian.columns import Column
from historian.quality import Codes
from nodeset.status import GOOD, name_of

ALL_GOOD: Final = "Good"


def status_text(codes: Codes, columns: Sequence[Column]) -> str:
    """What a row says of its `columns` when their statuses are `codes`.

    `BadNoCommunication`; `Voltage=BadSensorFailure; Temperature=UncertainLastUsableValue`.
    """
    found = [codes.get(column.name, GOOD) for column in columns]
    if len(set(found)) == 1:
        return name_of(found[0])
    return "; ".join(
        f"{column.tag.name}={name_of(code)}"
        for column, code in zip(columns, found, strict=True)
        if code != GOOD
    )
