"""Instruction templates: parse, sandbox, render."""
