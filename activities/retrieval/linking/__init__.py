"""Linking: from what each file says to the edges between them."""

from activities.retrieval.linking.invalidation import affected
from activities.retrieval.linking.linker import Linker

__all__ = ["Linker", "affected"]
