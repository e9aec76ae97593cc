"""Two sides trained in turn on one machine and judged against each other: commits, or environments."""
