"""Models and tokenizers as the train stage loads them."""
