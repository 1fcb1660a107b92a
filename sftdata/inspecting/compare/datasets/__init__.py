"""The difference between two datasets: inputs, rows, tokens, dropped and cut rows."""
