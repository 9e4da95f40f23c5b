"""What services share about each other, and nothing else: event types, tracking numbers, the service catalogue.

This package imports nothing of ours, so that a service can be replaced by one written elsewhere
against the documents generated from here (`contracts/generated/`).
"""
