"""Decides: numbers in, verdicts out. Imports errors and records alone, and has no effect."""
