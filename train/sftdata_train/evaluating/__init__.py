"""Evaluate: base and tuned model side by side, and saved runs."""
