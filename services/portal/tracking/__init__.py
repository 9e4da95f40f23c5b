"""Tracking: where an application stands, what it costs, what its applicant can do about it."""
