"""The Docker action's door: hands the environment to the command line and exits with its code."""

import os
import sys

from perfgate.cli.action import main

if __name__ == "__main__":
    sys.exit(main(dict(os.environ)))
