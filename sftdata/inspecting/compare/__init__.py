"""Differences between two datasets or two versions of a template."""
