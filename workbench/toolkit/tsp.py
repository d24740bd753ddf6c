"""Euclidean travelling salesman tours: exact, by heuristics, and from files. Everything but Christofides is batched.

Cities are (..., n, 2), tours are permutations (..., n) of 0..n-1; the way back to the first city is not written down.
A1, A2 and A3 stand in for three approximate solvers that the Pointer Networks paper took from elsewhere.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from workbench.sdk import UserError

ENUMERATED = 8
"""Largest number of cities for which all (n - 1)! / 2 tours are tried; above it, Held and Karp's recursion."""
EXACT_LIMIT = 14
"""Largest number of cities that is solved exactly: the recursion takes 2^n n^2 steps."""
IMPROVES = 1e-12
MAX_BYTES = 5_000_000
MAX_CITIES = 10_000

Points = Float[np.ndarray, "*b n 2"]
Tours = Int64[np.ndarray, "*b n"]


def distances(points: Points) -> Float[np.ndarray, "*b n n"]:
    """Euclidean distance between every two cities."""
    difference = points[..., :, None, :] - points[..., None, :, :]
    return np.sqrt(np.square(difference).sum(-1))


def tour_lengths(points: Points, tours: Tours) -> Float[np.ndarray, "*b"]:
    """Length of each closed tour: 0 of one city, twice the distance of two."""
    ordered = np.take_along_axis(points, tours[..., None], -2)
    lengths: np.ndarray = np.linalg.norm(ordered - np.roll(ordered, -1, -2), axis=-1).sum(-1)
    return lengths


def canonical(tours: Tours) -> Tours:
    """Turn and mirror tours so that they start at city 0 and their second city is smaller than their last."""
    count = tours.shape[-1]
    start = (tours == 0).argmax(-1)[..., None]
    turned = np.take_along_axis(tours, (start + np.arange(count)) % count, -1)
    if count < 3:
        return turned
    mirrored = np.concatenate([turned[..., :1], turned[..., :0:-1]], -1)
    return np.where(turned[..., 1:2] < turned[..., -1:], turned, mirrored)


def counter_clockwise(points: Points, tours: Tours) -> Tours:
    """Turn and mirror tours so that they start at city 0 and enclose a positive area (as the shoelace formula has it).

    A tour that crosses itself has a signed area too; one of exactly zero area is left in canonical form.
    """
    tours = canonical(tours)
    ordered = np.take_along_axis(points, tours[..., None], -2)
    following = np.roll(ordered, -1, -2)
    area = (ordered[..., 0] * following[..., 1] - ordered[..., 1] * following[..., 0]).sum(-1)
    mirrored = np.concatenate([tours[..., :1], tours[..., :0:-1]], -1)
    return np.where(area[..., None] < 0, mirrored, tours)


@lru_cache(maxsize=16)
def all_tours(count: int) -> Int64[np.ndarray, "t n"]:
    """Every tour of `count` cities once, in canonical form: (count - 1)! / 2 rows."""
    if count > ENUMERATED + 1:
        raise ValueError(f"{count} cities have too many tours to list")
    rows = [
        (0, *rest) for rest in itertools.permutations(range(1, count)) if len(rest) < 2 or rest[0] < rest[-1]
    ]  # fmt: skip
    return np.array(rows, np.int64).reshape(-1, count)


def enumerated_tours(points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b n"]:
    """Shortest tours, by trying all of them."""
    table = all_tours(points.shape[1])
    between = distances(points)
    lengths = between[:, table, np.roll(table, -1, 1)].sum(-1)
    return table[lengths.argmin(1)]


def held_karp(points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b n"]:
    """Shortest tours by Held and Karp's recursion over subsets (1962), all subsets of one size at once.

    D[S, j] is the length of the shortest path from city 0 through the set S that ends at j in S. Raises ValueError
    above EXACT_LIMIT cities.
    """
    batch, count, _ = points.shape
    if count > EXACT_LIMIT:
        raise ValueError(f"{count} cities are more than the {EXACT_LIMIT} that are solved exactly")
    if count < 4:
        return np.tile(np.arange(count), (batch, 1))
    between = distances(points)
    others = count - 1
    first, step = between[:, 0, 1:], between[:, 1:, 1:]
    subsets = np.arange(1 << others)
    sizes = np.array([int(subset).bit_count() for subset in subsets])
    best = np.full((batch, len(subsets), others), np.inf)
    for city in range(others):
        best[:, 1 << city, city] = first[:, city]
    for size in range(2, others + 1):
        chosen = subsets[sizes == size]
        for city in range(others):
            own = chosen[(chosen >> city) & 1 == 1]
            best[:, own, city] = (best[:, own ^ (1 << city)] + step[:, None, :, city]).min(-1)
    rows = np.arange(batch)
    visited = np.full(batch, len(subsets) - 1)
    city = (best[:, -1] + first).argmin(1)
    tour = [city]
    for _ in range(others - 1):
        visited = visited ^ (1 << city)
        city = (best[rows, visited] + step[rows, :, city]).argmin(1)
        tour.append(city)
    return canonical(np.concatenate([np.zeros((batch, 1), np.int64), np.stack(tour, 1) + 1], 1))


def optimal(points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b n"]:
    """Shortest tours, by whichever exact way is quicker. Raises ValueError above EXACT_LIMIT cities."""
    return enumerated_tours(points) if points.shape[1] <= ENUMERATED else held_karp(points)


def nearest_neighbour(points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b n"]:
    """From city 0, always on to the nearest city that was not visited yet (A1)."""
    batch, count, _ = points.shape
    between = distances(points)
    rows = np.arange(batch)
    tours = np.zeros((batch, count), np.int64)
    is_visited = np.zeros((batch, count), bool)
    is_visited[:, 0] = True
    for place in range(1, count):
        away = np.where(is_visited, np.inf, between[rows, tours[:, place - 1]])
        tours[:, place] = away.argmin(1)
        is_visited[rows, tours[:, place]] = True
    return canonical(tours)


def greedy_edge(points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b n"]:
    """Take the shortest edges first, none that gives a city a third neighbour or closes a cycle too early."""
    batch, count, _ = points.shape
    if count < 4:
        return np.tile(np.arange(count), (batch, 1))
    first, second = np.triu_indices(count, 1)
    order = distances(points)[:, first, second].argsort(1, kind="stable")
    if batch == 1:
        return canonical(_greedy_path(zip(first[order[0]].tolist(), second[order[0]].tolist(), strict=True), count))
    rows = np.arange(batch)
    degree = np.zeros((batch, count), np.int64)
    part = np.tile(np.arange(count), (batch, 1))
    neighbours = np.full((batch, count, 2), -1)
    for edge in order.T:
        a, b = first[edge], second[edge]
        is_taken = (degree[rows, a] < 2) & (degree[rows, b] < 2) & (part[rows, a] != part[rows, b])
        own, a, b = rows[is_taken], a[is_taken], b[is_taken]
        neighbours[own, a, degree[own, a]] = b
        neighbours[own, b, degree[own, b]] = a
        degree[own, a] += 1
        degree[own, b] += 1
        joined = part[own] == part[own, b][:, None]
        part[own] = np.where(joined, part[own, a][:, None], part[own])
    tours = np.zeros((batch, count), np.int64)
    tours[:, 0] = (degree == 1).argmax(1)
    before = np.full(batch, -1)
    for place in range(1, count):
        pair = neighbours[rows, tours[:, place - 1]]
        tours[:, place] = np.where(pair[:, 0] == before, pair[:, 1], pair[:, 0])
        before = tours[:, place - 1]
    return canonical(tours)


def _greedy_path(edges: Iterable[tuple[int, int]], count: int) -> Int64[np.ndarray, "1 n"]:
    """Greedy edges of one set, where numpy's cost per edge would be most of the time."""
    neighbours: list[list[int]] = [[] for _ in range(count)]
    part = list(range(count))
    taken = 0
    for a, b in edges:
        if len(neighbours[a]) < 2 and len(neighbours[b]) < 2 and part[a] != part[b]:
            neighbours[a].append(b)
            neighbours[b].append(a)
            joined, kept = part[b], part[a]
            part = [kept if own == joined else own for own in part]
            taken += 1
            if taken == count - 1:
                break
    place, before = next(city for city in range(count) if len(neighbours[city]) == 1), -1
    tour = [place]
    while len(tour) < count:
        place, before = next(city for city in neighbours[place] if city != before), place
        tour.append(place)
    return np.array([tour], np.int64)


def two_opt_steps(points: Float[np.ndarray, "b n 2"], tours: Tours) -> Iterator[Int64[np.ndarray, "b n"]]:
    """Yield the tours after each exchange: the two edges whose exchange gains most, until none gains anything."""
    count = tours.shape[1]
    if count < 4:
        return
    between = distances(points)
    rows = np.arange(len(tours))[:, None]
    upper = np.triu(np.ones((count, count), bool), 1)
    places = np.arange(count)
    while True:
        following = np.roll(tours, -1, 1)
        edge = between[rows, tours, following]
        crossed = between[rows[..., None], tours[:, :, None], tours[:, None, :]]
        gain = edge[:, :, None] + edge[:, None, :] - crossed - np.roll(crossed, -1, (1, 2))
        gain = np.where(upper, gain, -np.inf).reshape(len(tours), -1)
        best = gain.argmax(1)
        improves = np.take_along_axis(gain, best[:, None], 1)[:, 0] > IMPROVES
        if not improves.any():
            return
        low, high = np.divmod(best, count)
        low, high = low[:, None] + 1, high[:, None]
        is_turned = improves[:, None] & (places >= low) & (places <= high)
        tours = np.take_along_axis(tours, np.where(is_turned, low + high - places, places), 1)
        yield tours


def two_opt(points: Float[np.ndarray, "b n 2"], tours: Tours) -> Int64[np.ndarray, "b n"]:
    """Improve tours by exchanging two edges until no exchange makes them shorter."""
    for tours in two_opt_steps(points, tours):  # noqa: B020, B007
        pass
    return canonical(tours)


def greedy_two_opt(points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b n"]:
    """Greedy edges, then 2-opt (A2)."""
    return two_opt(points, greedy_edge(points))


def christofides(points: Float[np.ndarray, "n 2"]) -> Int64[np.ndarray, " n"]:
    """Christofides' tour: minimum spanning tree, matching of its odd cities, short cuts; at most 1.5 x optimal."""
    import networkx

    count = len(points)
    if count < 4:
        return np.arange(count)
    between = distances(points)
    graph = networkx.Graph()
    graph.add_weighted_edges_from((a, b, between[a, b]) for a, b in itertools.combinations(range(count), 2))
    tour = networkx.approximation.christofides(graph)
    return canonical(np.array(tour[:-1], np.int64))


def christofides_two_opt(points: Float[np.ndarray, "b n 2"]) -> Int64[np.ndarray, "b n"]:
    """Christofides, then 2-opt (A3); some milliseconds a set."""
    return two_opt(points, np.stack([christofides(own) for own in points]))


SOLVERS: Mapping[str, Callable[[Float[np.ndarray, "b n 2"]], Int64[np.ndarray, "b n"]]] = {
    "optimal": optimal,
    "a1": nearest_neighbour,
    "a2": greedy_two_opt,
    "a3": christofides_two_opt,
}


# Files


def load_cities(path: Path) -> Float[np.ndarray, "n 2"]:
    """Read cities from a TSPLIB file (.tsp, EUC_2D) or from the first two numeric columns of a .csv.

    Raises UserError with one sentence where the file cannot be used.
    """
    text = _text(path)
    points = _tsplib(path, text) if path.suffix.lower() == ".tsp" else _csv(path, text)
    if not len(points):
        raise UserError(f"{path.name} holds no cities.")
    if len(points) > MAX_CITIES:
        raise UserError(f"{path.name} has {len(points)} cities, more than the {MAX_CITIES} allowed.")
    if not np.isfinite(points).all():
        raise UserError(f"{path.name} has a coordinate that is not a finite number.")
    return points


def into_unit_square(points: Float[np.ndarray, "n 2"], margin: float = 0.04) -> Float[np.ndarray, "n 2"]:
    """Move and scale points into the unit square, without changing their shape."""
    low, high = points.min(0), points.max(0)
    extent = float((high - low).max()) or 1.0
    return 0.5 + (points - (low + high) / 2) / extent * (1 - 2 * margin)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path.name} is larger than the {MAX_BYTES / 1e6:.0f} MB allowed.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path.name} is not a text file.") from None
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror or error}.") from None


def _tsplib(path: Path, text: str) -> Float[np.ndarray, "n 2"]:
    kind = re.search(r"^\s*EDGE_WEIGHT_TYPE\s*:\s*(\w+)", text, re.MULTILINE)
    if kind and kind[1] not in ("EUC_2D", "CEIL_2D", "ATT"):
        raise UserError(f"{path.name} has edge weights of type {kind[1]}; only cities in the plane can be used.")
    _, found, body = text.partition("NODE_COORD_SECTION")
    if not found:
        raise UserError(f"{path.name} has no NODE_COORD_SECTION, so it is not a TSPLIB file with coordinates.")
    rows = []
    for line in body.splitlines():
        words = line.split()
        if not words or words[0] == "EOF":
            continue
        if re.fullmatch(r"[A-Z_]+:?", words[0]):
            break
        try:
            rows.append((float(words[1]), float(words[2])))
        except (ValueError, IndexError):
            raise UserError(f"{path.name}: “{line.strip()[:40]}” is not a city's number and two coordinates.") from None
    return np.array(rows, np.float64).reshape(-1, 2)


def _csv(path: Path, text: str) -> Float[np.ndarray, "n 2"]:
    rows = []
    for number, row in enumerate(csv.reader(text.replace(";", ",").splitlines()), 1):
        if not any(cell.strip() for cell in row):
            continue
        try:
            rows.append((float(row[0]), float(row[1])))
        except (ValueError, IndexError):
            if number == 1:
                continue  # a heading
            raise UserError(f"{path.name}, line {number}: two numbers x, y are expected.") from None
    return np.array(rows, np.float64).reshape(-1, 2)
