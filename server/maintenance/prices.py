"""What replacing jars costs, by the settings of maintenance."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analytics.replacements import Prices
from config.settings import Maintenance


def prices_of(settings: Maintenance, models: Iterable[str]) -> Prices:
    """Of jars of these models."""
    jar = np.array([settings.jar_prices.get(model, settings.jar_price) for model in models])
    return Prices(jar + settings.labour_per_jar, settings.labour_per_string, settings.labour_per_visit)
