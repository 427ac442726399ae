"""Primitives behind names of the field: suites, KDF, HPKE, signatures, ristretto255, :class:`Secret`.

Knows nothing about protocols. The only room that imports ``cryptography`` and ``rbcl``.
"""
