"""The budget that templates render within, and the environment that counts it."""
