"""The command line: the only place that reads arguments, environment and clock, and exits."""

from perfgate.cli.main import main

__all__ = ["main"]
