"""The auditor's room: search, a case at any instant, how figures are recomputed, export of a selection."""
