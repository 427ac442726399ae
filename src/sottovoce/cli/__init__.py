"""The command line: a face of the SDK and of the server. It knows no keys, no sockets and no SQL.

Standard output is data (messages, a link, a key), standard error is talk.
"""
