"""Who is waited on, and what the law promises: the waiting ledger, the legal clock, deadlines that pass."""
