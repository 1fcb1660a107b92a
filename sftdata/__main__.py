"""Runs `python -m sftdata`."""

from sftdata.cli import main

main()
