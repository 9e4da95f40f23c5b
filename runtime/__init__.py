"""What every service runs on, with no word of any domain in it."""
