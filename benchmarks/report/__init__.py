"""Views of a night's results: terminal, page, Markdown."""
