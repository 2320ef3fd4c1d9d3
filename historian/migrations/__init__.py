"""Steps from one database schema to the next, run by `historian.migrate`."""
