"""Examining whether a machine and a project are fit to be measured."""
