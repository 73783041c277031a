"""The end of a process, played inside it."""


class Killed(BaseException):
    """Raised where the process would have been killed; no `except Exception` catches it."""
