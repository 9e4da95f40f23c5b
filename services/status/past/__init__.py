"""What was known, or was true, at an instant; what changed between two; what applicants were shown."""
