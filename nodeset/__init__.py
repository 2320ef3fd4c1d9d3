"""The domain: the fleet and its topology, its tags, their rows in a scan, and their OPC UA names."""
