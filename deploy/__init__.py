"""The composition root: settings, routes, process supervision, the command line."""
