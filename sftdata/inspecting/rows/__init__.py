"""Single rows: select them, decode them, show them."""
