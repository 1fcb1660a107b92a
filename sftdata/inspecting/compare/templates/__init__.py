"""The difference between two versions of a template: source, contract, text, tokens."""
