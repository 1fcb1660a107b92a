"""Conversations to examples: laid out in the chat template, encoded and fitted."""
