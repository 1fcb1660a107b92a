"""Two datasets or two template versions side by side."""
