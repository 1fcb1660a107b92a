"""Tools for every folder: Arrow columns, hashes, files, the cache, escaping, reasons."""
