"""The service sets of OPC UA Part 4, a module each."""
