"""From what `data` names to the files of its sources."""
