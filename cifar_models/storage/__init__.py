"""Files on disk: written whole or not at all, strict JSON, fingerprints, Keras's cache."""
