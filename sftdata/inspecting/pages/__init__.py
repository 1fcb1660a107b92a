"""HTML pages: one engine, one base template and one style; they open offline."""
