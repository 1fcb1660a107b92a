"""Generate: answers of a model to prompts."""
