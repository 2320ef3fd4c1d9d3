"""Export of history to files: CSV, Parquet, Excel and the monthly report (H5)."""
