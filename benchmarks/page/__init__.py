"""The morning report: one self-contained HTML page that says what a night came to and why."""
