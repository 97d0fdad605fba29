"""``perfgate baseline``: one file a subcommand, registered by a line in ``group.py``."""
