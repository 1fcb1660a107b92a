"""Read golden sets: source specs in, chunks of rows and then columns of text out."""
