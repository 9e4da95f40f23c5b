"""Second opinions: what another body is asked about a case, by a secret link, and what it answers."""
