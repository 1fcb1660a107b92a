"""Runs the commands and the Python of a page, and compares what they print with the page.

`blocks` finds the blocks of a page, `console` its commands, `session` runs them, `masks` and
`comparison` say which outputs are the same, `rewriting` puts new outputs into a page.
CONTRIBUTING.md has the rules for writers.
"""
