"""Processes that are forks of one which has imported everything, so that each starts at once."""
