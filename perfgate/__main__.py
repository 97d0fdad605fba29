"""``python -m perfgate``: the same as the ``perfgate`` command."""

from perfgate.cli import main

if __name__ == "__main__":
    main()
