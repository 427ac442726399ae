"""The SDK: account, devices, rooms and the encrypted local store; everything a user interface needs.

Knows nothing of widgets, and of the server only what the link says.
"""
