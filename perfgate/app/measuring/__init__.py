"""Measuring: which cases, in what order, on what machine, launch by launch."""
