"""Figures over many applications, recomputable from the log."""
