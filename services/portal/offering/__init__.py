"""What the office offers: services to find, compare and read about, questions that lead to one, offices, help."""
