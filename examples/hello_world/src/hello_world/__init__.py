"""A small example of services for odbctl."""
