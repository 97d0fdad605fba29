"""Comparing frameworks: which run what, in what order, and what each of them measured."""
