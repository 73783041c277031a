"""The workspace: the folder of a project, and the records in it."""
