"""What tests share: oracles, made rows and tokenizers, browsers, kills."""
