"""Statistics of a dataset, computed from its columns without a loop over rows."""
