"""perfgate: a performance gate for diffusion inference.

This module imports nothing, so that a project's own environment can load
``perfgate.profile`` with the standard library alone.
"""

__version__ = "0.1.0"
