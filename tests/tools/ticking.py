"""A clock that moves only when it is read."""

from itertools import count


def ticking_clock():
    """Return a clock that moves on by one second, and three processor seconds, whenever it is read."""
    ticks = count()

    def read():
        second = next(ticks)
        return second, 3 * second

    return read
