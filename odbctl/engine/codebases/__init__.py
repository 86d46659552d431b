"""Codebases: from a git ref to a read-only tree, and what services are in it.

Run by the process that adds or deploys a codebase: the command line or the
dashboard. Nothing here knows the object database.
"""
