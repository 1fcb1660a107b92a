"""What every folder may use: Arrow helpers, hashing, files, caches, escaping, progress."""
