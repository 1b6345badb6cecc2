"""How fast the bot is, measured against the least that could do its work: ``python -m benchmarks``."""
