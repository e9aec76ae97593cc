"""A night in parts: who trains what, and one judgement of all parts together."""
