"""What stands in every report, whatever its figures; Markdown."""

from __future__ import annotations

from typing import Final

ABOUT_TARGETS: Final = """\
Bias under a year is told twice. Among jars that are *predicted* to have less than a year, errors should
cancel: that is what a planner sees. Among jars that, in hindsight, *had* less than a year are those that
failed suddenly or wore out far too early; whoever predicts well is too late on them, the ideal observer
too (below)."""

ABOUT_OTHERS: Final = """\
Mean life and life table know how long these very jars lived, which flatters them; for the resistance
trend and for the one who sees the wear an interval means nothing. The ideal observer knows the plant's
equations, the spread of all it draws, the mean climate of each place and the errors of the sensors, and
works out by Bayes' rule what the readings say. With the last year's readings, as the features have them,
it is the noise floor of the targets; with all readings since installation it shows what a longer memory
would add. Who sees the true wear errs by sudden failures alone: in this plant wear ends a life on the
day, and the weather to come changes nothing.

In every figure each jar that it is about has the same say. A prediction of a short-lived jar then weighs
more than one of a long-lived jar, so that even the observer, who is right as often as it says about the
jars that live on a day (inside, by prediction), covers a little less by jar. The one with all readings
is too sure: its account of what siblings do to a jar's float voltage is not exact."""

ABOUT_SPREADS: Final = """\
Any simulator that makes all jars alike lets a model shine. Spread 1 is the plant as it ships: lives by
Weibull's law of shape 8 (15 %) with 2 % of early failures, resistances that rise by 20 % (standard
deviation of the logarithm) more or less for the same wear."""

OTHER_SPREADS: Final = """\
The other lines are models trained and judged on smaller fleets whose jars differ less or more."""

PROVES: Final = """\
## What this proves, and what not

It proves that features, training, calibration and serving hold together: on a plant of known chances the
model comes near what can be known at all, says how sure it is, and is right as often as it says. It does
not prove that real jars age as these do. The plant's law of ageing, its spreads and its sensors come
from literature and judgement ([simulator.md](simulator.md)); a real fleet has makes, faults and rooms
that no plant has. Until a fleet's own failures have been learnt from and the errors of matured
predictions are known (`ModelDrift`), the figures above are an upper bound of what to expect."""
