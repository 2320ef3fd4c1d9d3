"""Reports of a month or a week for people: PDF, Excel and CSV, when asked for and by schedule (U2, H5)."""
