"""OPAQUE-3DH (RFC 9807) over the OPRF of RFC 9497: ristretto255, SHA-512, HKDF and HMAC with SHA-512.

A password login in which the server never sees the password. Knows nothing about chat, sockets or
storage. Client and server do not import each other; randomness and the key stretching function are
arguments.
"""
