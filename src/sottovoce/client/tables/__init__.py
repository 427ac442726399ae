"""The SQL of a client's local store, one module a family of tables; knows nothing of keys, sockets or MLS."""
