"""Read conversations: turns in any of the field's forms in, one canonical text out."""
