"""Proposing kept figures and permissions in a pull request of its own."""
