"""The train stage: shards in, a LoRA adapter out."""
