"""How long it takes: ranges from history, and how often they came true."""
