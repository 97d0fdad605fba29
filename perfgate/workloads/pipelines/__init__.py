"""Any diffusers pipeline, its stages timed from outside.

Runs in the framework's own interpreter: what is imported before torch and diffusers needs the
standard library alone.
"""
