"""Where the projection lies: its tables, generations side by side, the archive, several databases."""
