"""JSON files: one row a line, its text unchanged."""
