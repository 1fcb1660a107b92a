"""What to build: specs, presets, field mappings."""
