"""Historical Access (Part 11): HistoryRead, a reader for each kind of history, and what they share."""
