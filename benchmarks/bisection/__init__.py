"""Which commit, or which version of a package, made a metric worse."""
