"""Templates: what they are, what they may do, and the versions they have."""
