"""The generated parts of README.md and docs/."""
