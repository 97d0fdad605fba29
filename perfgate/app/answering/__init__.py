"""Answering commands that people write in comments."""
