"""The budget that a template renders within."""
