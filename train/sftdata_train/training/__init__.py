"""Train: from a dataset and a recipe to an adapter with its passport."""
