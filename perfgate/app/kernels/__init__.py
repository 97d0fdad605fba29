"""Kernels measured beside their references: what is chosen, and the processes that time it."""
