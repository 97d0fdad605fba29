"""Kernels measured alone: variants of one function, checked against a reference, then timed."""
