"""The server: RFC 9750's two services. It stores and forwards what it cannot read.

Never a member of a room: knows no plaintext, no room's name (an open room's apart) and no group's secret.
"""
