"""The digital twin and what it foretells: pure functions over arrays of the whole fleet, no I/O, no clock."""
