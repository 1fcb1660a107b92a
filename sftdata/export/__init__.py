"""Export: a data set in the format another trainer takes."""
