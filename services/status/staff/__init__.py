"""What staff ask: search, and what deviates."""
