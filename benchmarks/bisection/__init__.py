"""Finds the commit, or the version of a package, that made a metric worse."""
