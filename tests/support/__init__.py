"""Helpers of tests: oracles, sample rows and tokenizers, browsers, kills."""
