"""Linking: from what each file says to the edges between them."""

from activities.retrieval.linking.invalidation import find_affected
from activities.retrieval.linking.linker import Linker

__all__ = ["Linker", "find_affected"]
