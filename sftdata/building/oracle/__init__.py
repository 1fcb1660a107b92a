"""Make the rows of a dataset again the slow, plain way, and compare."""
