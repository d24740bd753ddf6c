"""Trees and hierarchies, and how well positions keep them."""

from __future__ import annotations

import csv
import math
from collections.abc import Hashable
from pathlib import Path

import networkx as nx
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.sdk import UserError
from workbench.toolkit import hyperbolic

MOST_NODES = 5000


def balanced_tree(branching: int, depth: int) -> nx.DiGraph:
    """A balanced tree, edges from parent to child; raises UserError where it would be too large."""
    count = (branching ** (depth + 1) - 1) // (branching - 1)
    if count > MOST_NODES:
        raise UserError(f"{branching} children over {depth} levels make {count} nodes; at most {MOST_NODES} are drawn.")
    return nx.balanced_tree(branching, depth, create_using=nx.DiGraph)


def random_tree(nodes: int, rng: np.random.Generator) -> nx.DiGraph:
    """A random recursive tree: each node's parent is one of those before it."""
    graph = nx.DiGraph()
    graph.add_node(0)
    graph.add_edges_from((int(rng.integers(node)), node) for node in range(1, nodes))
    return graph


def read_edges(file: Path) -> nx.DiGraph:
    """Read a hierarchy from a CSV of parent and child.

    Raises UserError naming the line where there are no two columns, or where the edges are no connected hierarchy.
    """
    graph = nx.DiGraph()
    try:
        text = file.read_text(encoding="utf-8-sig")
        dialect = csv.Sniffer().sniff(text[:4096], ",;\t") if text.strip() else csv.excel
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file.name} cannot be read: {error}.") from None
    except csv.Error:
        dialect = csv.excel
    for number, row in enumerate(csv.reader(text.splitlines(), dialect), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise UserError(f"{file.name}, line {number}: a parent and a child are expected.")
        if number == 1 and [cell.lower() for cell in cells[:2]] in (["parent", "child"], ["source", "target"]):
            continue
        graph.add_edge(cells[0], cells[1])
        if graph.number_of_nodes() > MOST_NODES:
            raise UserError(f"{file.name} has more than {MOST_NODES} nodes.")
    if graph.number_of_nodes() < 3:
        raise UserError(f"{file.name} holds {graph.number_of_edges()} edges; at least two are needed.")
    if not nx.is_directed_acyclic_graph(graph):
        raise UserError(f"{file.name} holds a cycle: a node is its own ancestor.")
    if not nx.is_weakly_connected(graph):
        parts = nx.number_weakly_connected_components(graph)
        raise UserError(f"{file.name} holds {parts} separate trees; one is expected.")
    return graph


def closure(graph: nx.DiGraph) -> Int[np.ndarray, "p 2"]:
    """All pairs (descendant, ancestor) by index: the relation that Poincaré embeddings are trained on."""
    index = {node: number for number, node in enumerate(graph)}
    return np.array([(index[below], index[node]) for node in graph for below in nx.descendants(graph, node)])


def depths(graph: nx.DiGraph) -> Int[np.ndarray, " n"]:
    """Number of edges from the nearest root."""
    roots = [node for node, degree in graph.in_degree() if degree == 0]
    found = nx.multi_source_dijkstra_path_length(graph, set(roots))
    return np.array([found[node] for node in graph])


def path_lengths(graph: nx.DiGraph) -> Float[np.ndarray, "n n"]:
    """Number of edges between every two nodes, directions ignored."""
    from scipy.sparse.csgraph import shortest_path

    matrix = nx.to_scipy_sparse_array(graph, nodelist=list(graph))
    return np.asarray(shortest_path(matrix, directed=False, unweighted=True))


def distortion(lengths: Float[np.ndarray, "n n"], distances: Float[np.ndarray, "n n"]) -> float:
    """Mean relative error of distances, after the one scale that makes it least in the square."""
    upper = np.triu_indices(len(lengths), 1)
    wanted, got = lengths[upper], distances[upper]
    scale = (got / wanted).sum() / np.maximum((got / wanted) ** 2, 1e-30).sum()
    return float(np.abs(scale * got / wanted - 1).mean())


def mean_average_precision(graph: nx.DiGraph, distances: Float[np.ndarray, "n n"]) -> float:
    """Over nodes, how early its neighbours in the tree come when all others are ranked by distance (1: first)."""
    index = {node: number for number, node in enumerate(graph)}
    undirected = graph.to_undirected(as_view=True)
    precisions = []
    for node in graph:
        row = distances[index[node]].copy()
        row[index[node]] = np.inf
        places = np.empty(len(row))
        places[np.argsort(row, kind="stable")] = np.arange(1, len(row) + 1)
        ranks = np.sort([places[index[other]] for other in undirected[node]])
        precisions.append(float((np.arange(1, len(ranks) + 1) / ranks).mean()))
    return float(np.mean(precisions))


def mean_rank(pairs: Int[np.ndarray, "p 2"], distances: Float[np.ndarray, "n n"]) -> float:
    """Mean rank of an ancestor among the unrelated nodes by distance (1: nearer than all), as Nickel and Kiela."""
    ranks = []
    for node in np.unique(pairs[:, 0]):
        ancestors = pairs[pairs[:, 0] == node, 1]
        others = np.ones(len(distances), bool)
        others[ancestors] = others[node] = False
        row = distances[node]
        sorted_others = np.sort(row[others])
        ranks.extend(1 + np.searchsorted(sorted_others, row[ancestors]))
    return float(np.mean(ranks))


def sarkar_layout(tree: nx.DiGraph, edge: float) -> Float[np.ndarray, "n 2"]:
    """Places in the unit disk with every edge of length `edge`, children spread evenly (Sarkar 2011).

    The longer the edges, the nearer are distances in the disk to `edge` times the number of edges between two nodes.
    """
    step = math.tanh(edge / 2)
    places: dict[Hashable, Tensor] = {}
    for node in nx.topological_sort(tree):
        children, parents = list(tree.successors(node)), list(tree.predecessors(node))
        here = places.setdefault(node, torch.zeros(2, dtype=torch.float64))
        back, turn = 0.0, 2 * math.pi / max(1, len(children) + len(parents))
        if parents:  # the children share what the way back to the parent leaves of the full turn
            x, y = hyperbolic.mobius_add(-here, places[parents[0]], 1.0).tolist()
            back = math.atan2(y, x)
        angles = back + turn * (torch.arange(len(children), dtype=torch.float64) + (1 if parents else 0))
        around = step * torch.stack([angles.cos(), angles.sin()], -1)
        for child, place in zip(children, hyperbolic.mobius_add(here.expand_as(around), around, 1.0), strict=True):
            places[child] = place
    return torch.stack([places[node] for node in tree]).numpy()
