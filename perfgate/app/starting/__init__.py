"""Starts a project: what `perfgate init` looks at, and the files that it writes."""
