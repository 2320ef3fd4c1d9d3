"""What report is asked for, as it also goes from the server to the process that makes it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from historian.export.request import Format

FORMATS: Final = (Format.PDF, Format.EXCEL, Format.CSV)


@dataclass(frozen=True)
class ReportRequest:
    """The report of a period (`2026-10`, `2026-W45`) and a site, of the fleet where that is empty.

    `language` is en or th, `calendar` common or buddhist.
    """

    period: str
    site: str
    format: Format
    language: str
    calendar: str

    @property
    def name(self) -> str:
        """A telling file name: `voltkeep-Bangrak-2026-10-th.pdf`."""
        of = f"-{self.site}".replace(" ", "-") if self.site else ""
        return f"voltkeep{of}-{self.period}-{self.language}.{self.format}"


@dataclass(frozen=True)
class ReportOrder:
    """A report to make: from which database, of what plant, and where to.

    `time` is the plant's [µs since 1970], `maintenance` the settings of that name, `simulated` whether the
    plant itself is; `limit` is the size of the file at most [bytes].
    """

    request: ReportRequest
    url: str | None
    home: str
    fleet: str
    alarms: str
    maintenance: dict[str, Any]
    simulated: bool
    time: int
    path: str
    limit: int

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> ReportOrder:
        """What `to_json` wrote."""
        fields = json.loads(text)
        asked = fields.pop("request")
        return cls(ReportRequest(**{**asked, "format": Format(asked["format"])}), **fields)
