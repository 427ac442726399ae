"""What client and server say to each other: frames, typed messages, the connection's state table.

Knows nothing about TLS, asyncio, or who is right.
"""
