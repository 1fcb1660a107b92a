"""The conductor: plans a build, makes new blocks, reuses the others, commits."""
