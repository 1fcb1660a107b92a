"""The exact prompt that a server must send for a row."""
