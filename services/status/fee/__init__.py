"""What an application costs its applicant, and what was paid."""
