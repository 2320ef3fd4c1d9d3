"""The historian: every scan kept in PostgreSQL, outages bridged on disk, and history read back."""
