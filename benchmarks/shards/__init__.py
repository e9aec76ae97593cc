"""Divides the trainings of a night into shards, and judges all shards as one night."""
