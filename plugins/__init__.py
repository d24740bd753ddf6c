"""Built-in plugins: one folder a paper."""
