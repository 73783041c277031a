from .decoding import BadImageError, decode
from .depth import Reading

__all__ = ["BadImageError", "Reading", "decode"]
