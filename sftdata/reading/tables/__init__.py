"""Tables as record batches: CSV, TSV, Excel, Parquet, Arrow."""
