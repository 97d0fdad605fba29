"""What the release workflows compute: doors, images, pinned lines, notes. Standard library alone.

No part of the package: nothing of perfgate is imported, and perfgate imports nothing of this.
"""
