"""The process that starts a framework, drives requests to it and ends it; perfgate's own side.

Run as ``python -P -m perfgate.backends.driver SPEC`` in perfgate's own interpreter, with the
environment of the framework's side.
"""
