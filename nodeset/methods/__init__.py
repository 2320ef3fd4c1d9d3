"""The methods under Objects/Fleet (I7), declared once; they take and give plain types.

Where a structure says the same at once, it comes last, for clients that know structures.

The NodeSet's InputArguments and OutputArguments, and the server's check of a call, derive from these.
"""

from __future__ import annotations

from typing import Final

from nodeset.methods.alarms import ALARMS, CONFIGURATION, NOTIFICATION
from nodeset.methods.analytics import ANALYTICS
from nodeset.methods.maintenance import MAINTENANCE
from nodeset.methods.records import AUDIT, HISTORIAN
from nodeset.methods.simulation import SIMULATION

METHODS: Final = (
    SIMULATION + ANALYTICS + MAINTENANCE + AUDIT + HISTORIAN + ALARMS + CONFIGURATION + NOTIFICATION
)
