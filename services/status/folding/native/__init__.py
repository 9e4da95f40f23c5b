"""The part of the fold that is compiled, and how it is."""
