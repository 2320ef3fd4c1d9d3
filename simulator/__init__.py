"""The plant: an honest model of a Thai battery fleet, with faults that an operator can start."""
