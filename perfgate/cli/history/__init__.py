"""``perfgate history``: one file a subcommand, registered by a line in ``group.py``."""
