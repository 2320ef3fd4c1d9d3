"""The OPC UA server: scan, live table, services, conditions, history and methods; composed in `app`."""
