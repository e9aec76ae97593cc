"""Training: batches, features of a frozen part, compiled models, progress."""
