"""What the bytes of a file are: container, compression, encoding."""
