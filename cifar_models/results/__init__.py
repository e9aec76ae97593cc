"""What a training gives: the record of a run, its evaluation, its environment."""
