"""From source files to golden rows."""
