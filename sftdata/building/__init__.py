"""The conductor: plans a build, makes what is new, reuses the rest, commits."""
