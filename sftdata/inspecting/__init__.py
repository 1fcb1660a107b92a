"""Looking at datasets: rows, statistics, checks, comparisons, reports."""
