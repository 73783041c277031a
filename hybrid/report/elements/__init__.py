"""What the parts of the report are made of: words, tables, figures, pictures, and what the workspace holds."""
