"""Keeping baseline files: bring up to date, audit, import and export."""
