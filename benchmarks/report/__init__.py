"""What a night came to, for the terminal, the page and Markdown."""
