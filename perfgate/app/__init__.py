"""Use cases: each takes its collaborators as arguments and strings the rooms together."""
