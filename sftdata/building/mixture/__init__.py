"""Mixtures: several sources built apart, sampled and written together."""
