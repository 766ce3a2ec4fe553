"""Builds the index of some files in memory, without a store: for benchmarks, and where no database answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from activities.retrieval import hashed_vectors
from activities.retrieval.embeddings import LONGEST
from activities.retrieval.file_facts import FileFacts
from activities.retrieval.file_filter import filter_content, filter_path
from activities.retrieval.index import Index
from activities.retrieval.languages import SUFFIXES, parse_file
from activities.retrieval.linking import Linker
from activities.retrieval.tokens import Bags, count_bodies
from hydranet.code_graph.model import Node


def build_index(files: Mapping[str, bytes]) -> Index:
    """Return the index of `files`, contents by path, with lexical vectors; what no parser takes is left out."""
    facts: dict[str, FileFacts] = {}
    nodes: list[Node] = []
    bags: list[Bags] = []
    rows: list[NDArray[np.float32]] = []
    for path in sorted(files):
        if (parsed := None if filter_content(files[path]) else parse_file(path, files[path])) is None:
            continue
        source = files[path].decode(errors="replace")
        own = parsed.nodes(path)
        facts[path] = parsed
        nodes += own
        bags.append(count_bodies(own, source))
        rows.append(hashed_vectors.count_features(read_texts(own, source)))
    linker = Linker(facts)
    counts = np.concatenate(rows) if rows else np.zeros((0, hashed_vectors.DIMENSIONS), np.float32)
    rarity = hashed_vectors.measure_rarity(counts)
    edges = (edge for path in facts for edge in linker.link(path))
    return Index(nodes, Bags.joined(bags), edges, hashed_vectors.weigh_vectors(counts, rarity), rarity)


def read_texts(nodes: Sequence[Node], source: str) -> list[str]:
    """Return the beginning of each node of a file, which is what vectors are made of."""
    lines = source.split("\n")
    return ["\n".join(lines[node.first - 1 : node.last])[:LONGEST] for node in nodes]


def list_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a plain folder that are to be indexed, by path."""
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(folder).parts
    }
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if filter_path(name, path.stat().st_size, files, SUFFIXES) is None
    }
