"""Applying for a service: a form generated from its definition, documents, review, receipt."""
