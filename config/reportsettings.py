"""The section `reports` of the settings: how they are written, which go out by themselves; no behaviour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from config.notifyfile import Address, Day

LANGUAGES: Final = ("en", "th")
CALENDARS: Final = ("common", "buddhist")
Language = Literal["en", "th"]
Calendar = Literal["common", "buddhist"]
Format = Literal["pdf", "xlsx", "csv"]


class _Part(BaseModel):
    """A mapping of the file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportSchedule(_Part):
    """A report of the month or week before, made at a day and time of the sites, and where it goes."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$")]
    every: Literal["month", "week"] = "month"
    day: Annotated[int, Field(ge=1, le=28, description="of the month")] = 1
    weekday: Day = "mon"
    time: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "06:00"
    site: Annotated[str, Field(description="none: the whole fleet")] = ""
    formats: Annotated[tuple[Format, ...], Field(min_length=1)] = ("pdf",)
    language: Annotated[Language | None, Field(description="none: that of reports")] = None
    calendar: Annotated[Calendar | None, Field(description="none: that of reports")] = None
    folder: Annotated[Path | None, Field(description="made where it is not there")] = None
    mail: Annotated[tuple[Address, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.folder is None and not self.mail:
            raise ValueError("a report goes to a folder or to mail addresses: name one")
        if self.every == "month" and "weekday" in self.model_fields_set:
            raise ValueError("weekday: a report of every month has a day")
        if self.every == "week" and "day" in self.model_fields_set:
            raise ValueError("day: a report of every week has a weekday")
        return self


class Reports(_Part):
    """Reports of a month or a week."""

    language: Annotated[Language, Field(description="where none is asked for")] = "en"
    calendar: Annotated[Calendar, Field(description="where none is asked for")] = "common"
    schedules: Annotated[tuple[ReportSchedule, ...], Field(max_length=50)] = ()
