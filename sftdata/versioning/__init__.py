"""Version control for templates: releases, bumps, lint, checks."""
