"""From bytes to calls: TCP frames, secure channels, sessions, and the dispatch of requests to services."""
