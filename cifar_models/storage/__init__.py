"""Files that are written completely or not at all, strict JSON, fingerprints, Keras's cache."""
