"""Time zones by their IANA names, as configuration files give them."""

from __future__ import annotations

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

# Of a fleet file that names none: where the fleet that is shipped stands.
DEFAULT_ZONE: Final = "Asia/Bangkok"


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):  # a path, a folder of the database
        raise ValueError(f"unknown time zone '{name}'") from None
    except KeyError:  # ZoneInfoNotFoundError
        raise ValueError(f"unknown time zone '{name}' (Asia/Bangkok, Europe/Berlin ...)") from None
    return name


Zone = Annotated[str, AfterValidator(_known)]
