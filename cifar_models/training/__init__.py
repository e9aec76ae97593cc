"""One training: batches, a frozen part's features, progress."""
