"""Keeping results over time: add files to a history, ask it, make finished months smaller."""
