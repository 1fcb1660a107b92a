"""From golden rows to examples: render, lay out, fit, tokenize, as one pure function."""
