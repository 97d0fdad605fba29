"""The command line: the only place that reads arguments, environment and clock, and exits."""

from perfgate.cli.group import main

__all__ = ["main"]
