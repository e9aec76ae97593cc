"""Training: batches, features of a frozen part, progress."""
