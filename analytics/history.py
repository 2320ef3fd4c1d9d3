"""What roll-ups tell of the jars day by day, and what is known of each: all that features are made of; pure.

The same for a real fleet's historian and for an offline plant: whoever reads either brings it into this form,
and nothing else goes into features (`analytics.features`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.parameters import Array, Parameters, Single
from nodeset.fleet import Fleet


@dataclass(frozen=True)
class Days:
    """Days of UTC, one after the other; arrays of shape (days, jars), NaN where nothing good was read.

    `first` is the first day since 1970. Means are of hours that had readings.
    """

    first: int
    voltage: Single  # V, mean
    temperature: Single  # °C, mean
    temperature_min: Single  # °C
    temperature_max: Single  # °C
    resistance: Single  # mΩ, mean, at the temperature of the day
    discharges: Single  # outages that began on the day
    drawn: Single  # Ah that they drew from the jar

    @property
    def count(self) -> int:
        """How many days."""
        return len(self.voltage)

    @property
    def after(self) -> int:
        """The day after the last, since 1970."""
        return self.first + self.count


@dataclass(frozen=True)
class Units:
    """The jars that stand in their places on some day, arrays of shape (jars,)."""

    parameters: Parameters
    installed: Array  # d since 1970, of the jar that stands there now
    baseline: Array  # mΩ at 25 °C, of the jar that stands there now
    site: NDArray[np.intp]
    string: NDArray[np.intp]
    site_offset: Array  # K by which the site's weather is warmer than its region's

    @classmethod
    def of(cls, fleet: Fleet, parameters: Parameters) -> Units:
        """The jars of the nameplates."""
        offset = np.array([site.temperature_offset for site in fleet.sites], np.float64)
        return cls(
            parameters,
            installed=parameters.installed,
            baseline=parameters.baseline,
            site=fleet.site_of_jar,
            string=fleet.string_of_jar,
            site_offset=offset[fleet.site_of_jar],
        )
