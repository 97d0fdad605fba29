"""The Docker doors: hands the environment to the command line and exits with its code.

An image that only publishes says `publish`. One whose own libraries are found by variables that the
runner replaces with its machine's keeps its values in environment.json beside this file.
"""

import json
import os
import sys
from pathlib import Path

from perfgate.cli.action import in_container, main, only_publish

OWN = Path(__file__).with_name("environment.json")

if __name__ == "__main__":
    own = json.loads(OWN.read_text(encoding="utf-8")) if OWN.exists() else {}
    environ = in_container(os.environ, own)
    sys.exit(only_publish(environ) if sys.argv[1:] == ["publish"] else main(environ))
