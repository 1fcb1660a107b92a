"""Shards, ledger, journal, manifest and card on disk, and the commit."""
