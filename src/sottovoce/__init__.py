"""Sottovoce: a chat that a small group runs for itself, on a server that cannot read it."""
