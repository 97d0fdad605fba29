"""Decisions told to people and machines: values in, text out; loads neither torch nor PyGithub.

Import the form that is wanted: ``comment``, ``summary``, ``terminal``, ``junit``, ``conclusion``.
"""
