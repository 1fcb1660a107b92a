"""Mixing: several data sets in, one out, with the share of each that a spec asks for."""
