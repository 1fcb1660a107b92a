"""Inspect datasets: rows, statistics, checks, comparisons, pages."""
