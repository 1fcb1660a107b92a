"""Jinja templates compiled to plain Python, for speed."""
