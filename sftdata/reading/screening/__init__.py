"""Which golden rows may become examples: checks, duplicates, contamination."""
