"""Elements that the parts of the report use: words, tables, figures, pictures and the inputs of the report."""
