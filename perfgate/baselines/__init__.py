"""Baseline files: derive, check, convert; reading and writing files is this room's only effect."""
