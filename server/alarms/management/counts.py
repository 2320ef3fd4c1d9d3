"""How many alarms each site and the fleet have now, by priority and by what hides them.

Arrays of counts have a column a site, then one of the fleet: of all sites and of the fleet's own conditions.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType, Index
from nodeset.frame import Frame
from server.alarms.management.annunciation import Seen

Counts = NDArray[np.int64]

PRIORITY_TAGS: Final = ("LowAlarms", "MediumAlarms", "HighAlarms", "CriticalAlarms")


def by_site(site: Index, sites: int) -> Counts:
    """How often each site occurs in `site`, and the sum; `sites` there stands for the fleet's own."""
    counts = np.bincount(site, minlength=sites + 1)
    counts[sites] = counts.sum()
    return counts


def priority_of(severity: NDArray[np.uint16], lowest: tuple[int, ...]) -> NDArray[np.intp]:
    """Position in `config.alarmmanagement.PRIORITIES` of each severity."""
    return np.searchsorted(np.array(lowest[1:], np.uint16), severity, side="right")


def present(
    seen: Seen, rows: Index, site: Index, sites: int, lowest: tuple[int, ...], stood_since: int
) -> dict[str, Counts]:
    """The tags that count what there is now, in the rows that are of interest.

    `site` is of each row of all, `lowest` the severity of each priority. What has been active from
    `stood_since` [µs] or before stands.
    """
    at, hidden = site[rows], seen.hidden(rows)
    active, suppressed = seen.level[rows] != 0, seen.suppressed[rows] != 0
    alarm = active & ~hidden
    priority = priority_of(seen.severity[rows], lowest)
    where = {
        "ActiveAlarms": alarm,
        "UnacknowledgedAlarms": seen.unacknowledged[rows] & ~hidden,
        "SuppressedAlarms": active & suppressed,
        "ShelvedAlarms": seen.shelved[rows] != 0,
        "StandingAlarms": alarm & (seen.active_time[rows] <= stood_since),
        "OutOfServiceAlarms": seen.out_of_service[rows],
        **{tag: alarm & (priority == i) for i, tag in enumerate(PRIORITY_TAGS)},
    }
    return {tag: by_site(at[some], sites) for tag, some in where.items()}


def put(frame: Frame, counts: dict[str, Counts]) -> None:
    """Set tags of all sites and of the fleet."""
    for tag, each in counts.items():
        frame.put(AssetType.SITE, tag, each[:-1].astype(np.float64))
        frame.put(AssetType.FLEET, tag, float(each[-1]))
