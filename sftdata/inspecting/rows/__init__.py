"""Single rows: select, decode and show them."""
