"""Committed datasets in memory-mapped form: rows, order, packing, text."""
