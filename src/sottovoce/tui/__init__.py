"""The terminal app: a face of the SDK on a whole screen. It knows no keys, no sockets and no SQL.

Every string it shows that came from outside is a :class:`~sottovoce.tui.safe_text.Safe`.
"""
