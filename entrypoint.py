"""The Docker action's door: hands the environment to the command line and exits with its code."""

import os
import sys

from perfgate.cli.action import in_container, main

if __name__ == "__main__":
    sys.exit(main(in_container(os.environ)))
