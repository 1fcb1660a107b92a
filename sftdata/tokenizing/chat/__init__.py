"""Conversations in a tokenizer's own chat template: rendered, split at its control tokens."""
