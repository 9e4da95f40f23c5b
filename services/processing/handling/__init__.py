"""Who works at a case: claimed by whom, handed to whom, escalated, opened by the help desk. Beside the case, not in it."""
