"""What officers work with: inbox, case, decisions, help desk, counter; and the page by which another body answers."""
