"""Export of history to files: CSV, Parquet and Excel (H5)."""
