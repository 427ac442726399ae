"""`make bench`: this server under load over its real protocol, beside a plain asyncio fan-out."""
