"""The terminal app, measured without a terminal: what a frame costs, from the deed to the last byte of it."""
