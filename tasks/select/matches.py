"""Pictures that show the same place: pairs of windows whose marks agree in one move, one size and one mirroring.

Windows are compared only if signatures of their marks are equal in a run of bits (an index; no pair is tried without a
reason). Windows with two such marks are compared mark by mark. Two marks of each give a candidate for the change of
place, size and side between the windows. The best candidate is the one with which most marks agree. Their number is the
evidence for the pair. Chance agreements of unrelated pictures are two or three marks.

The width of the runs grows with the number of marks, and runs that very many marks share are left out. So the time is
about proportional to the number of pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.select.compiled import compiled
from tasks.select.marks import MARK

RUNS = 4  # runs of bits that are looked up
LIKELY = 12  # most bits that may differ between marks that the index finds
SAME = 16  # most bits that may differ between marks of a pair that is compared
CROWD = 256  # marks that share one run of bits; larger crowds (paper, ruled lines) say nothing
HITS = 2  # least marks of a pair in the index
SEEDS = 24  # matches, the best first, from which candidates are made
LEAST_SPAN = 0.06  # least distance of two marks that make a candidate, in sides of the window
NEAR = 0.02  # largest distance between a mark and its expected place, in sides of the window
APART = 0.06  # marks nearer to each other than this many sides count once: one letter or one tree is no evidence
STRETCH = 1.6  # largest ratio between the sizes of marks and the size of the change
LARGEST = 4.0  # largest ratio of sizes of two pictures
ENOUGH = 24  # agreeing marks with which the search for a better change ends


@dataclass(frozen=True)
class Pairs:
    """Pairs of windows that share marks.

    Attributes:
        first, second: numbers of the windows, first < second (n,).
        agreeing: number of marks that agree. overlap: shared area over the area of both together, 0 to 1.
        mirrored: whether one is a mirror image.
    """

    first: np.ndarray
    second: np.ndarray
    agreeing: np.ndarray
    overlap: np.ndarray
    mirrored: np.ndarray

    @classmethod
    def none(cls) -> Pairs:
        """No pairs."""
        whole = np.empty(0, np.int64)
        return cls(whole, whole, whole, np.empty(0), np.empty(0, bool))


def alike(marks: list[bytes], families: np.ndarray, least: int) -> Pairs:
    """Pairs of windows of different families with at least `least` agreeing marks, sorted.

    Args:
        marks: marks of each window, as `window_marks` gives them. families: int (n,); pairs of one family are skipped.
    """
    parts = [np.frombuffer(part, MARK) for part in marks]
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    every = np.concatenate(parts) if parts else np.empty(0, MARK)
    owners = np.repeat(np.arange(len(parts), dtype=np.int64), np.diff(starts))
    signatures, turned = every["signature"].copy(), every["mirrored"].copy()
    places = np.stack([every[name] for name in ("x", "y", "radius")], axis=1).astype(np.float64)
    width = int(np.clip(np.ceil(np.log2(max(len(every), 1))) - 4, 12, 30))
    firsts = [1 + k * (63 - width) // (RUNS - 1) for k in range(RUNS)]
    masks = np.array([((1 << width) - 1) << first for first in firsts], np.uint64)
    hits = [np.empty(0, np.int64)]
    for k in range(RUNS):
        keys = (signatures & masks[k]) >> np.uint64(firsts[k])
        # Key and number in one value: all values differ, so every way to sort gives one order.
        both = np.sort(keys << np.uint64(32) | np.arange(len(keys), dtype=np.uint64))
        keys, order = both >> np.uint64(32), (both & np.uint64(0xFFFFFFFF)).astype(np.int64)
        hits.append(_collide(signatures, keys, order, owners, np.asarray(families, np.int64), masks[:k]))
    numbers, counts = np.unique(np.concatenate(hits), return_counts=True)
    numbers = numbers[counts >= HITS]
    first, second = numbers >> 32, numbers & 0xFFFFFFFF
    agreeing, overlap, mirrored = _compare_all(first, second, starts, signatures, places, turned)
    found = agreeing >= least
    return Pairs(first[found], second[found], agreeing[found], overlap[found], mirrored[found])


@compiled
def _collide(signatures, keys, order, owners, families, earlier):
    """Pairs of windows, first · 2³² + second, one entry for each pair of marks that share a key and few other bits.

    Args:
        keys: sorted keys, of the marks `order`. earlier: masks of the runs that were looked up before.
    """
    out, count = np.empty(1024, np.int64), 0
    start = 0
    while start < keys.size:
        end = start + 1
        while end < keys.size and keys[end] == keys[start]:
            end += 1
        if end - start <= CROWD:
            for a in range(start, end):
                for b in range(a + 1, end):
                    m, n = order[a], order[b]
                    differing = signatures[m] ^ signatures[n]
                    if families[owners[m]] == families[owners[n]] or _ones(differing) > LIKELY:
                        continue
                    seen = False
                    for mask in earlier:
                        seen |= differing & mask == 0
                    if not seen:
                        if count == out.size:
                            larger = np.empty(2 * count, np.int64)
                            larger[:count] = out
                            out = larger
                        low, high = min(owners[m], owners[n]), max(owners[m], owners[n])
                        out[count] = low << 32 | high
                        count += 1
        start = end
    return out[:count]


@compiled
def _compare_all(first, second, starts, signatures, places, turned):
    """Agreeing marks, overlap and mirroring of every pair of windows."""
    agreeing, overlap = np.zeros(first.size, np.int64), np.zeros(first.size)
    mirrored = np.zeros(first.size, np.bool_)
    for k in range(first.size):
        a, b = slice(starts[first[k]], starts[first[k] + 1]), slice(starts[second[k]], starts[second[k] + 1])
        for flip in (False, True):
            count, shared = _compare(signatures[a], places[a], turned[a], signatures[b], places[b], turned[b], flip)
            if count > agreeing[k]:
                agreeing[k], overlap[k], mirrored[k] = count, shared, flip
    return agreeing, overlap, mirrored


@compiled
def _compare(bits_a, places_a, turned_a, bits_b, places_b, turned_b, flip):
    """Most marks that agree in one change from window a to window b, and the overlap of the windows under it."""
    matches, distances = np.empty((bits_a.size, 2), np.int64), np.empty(bits_a.size, np.int64)
    count = 0
    for i in range(bits_a.size):
        best, other = SAME + 1, -1
        for j in range(bits_b.size):
            if (turned_a[i] != turned_b[j]) == flip:
                differing = _ones(bits_a[i] ^ bits_b[j])
                if differing < best:
                    best, other = differing, j
        if other >= 0:
            matches[count, 0], matches[count, 1] = i, other
            distances[count] = best
            count += 1
    if count < 2:
        return 0, 0.0
    order = np.argsort(distances[:count], kind="mergesort")
    side = -1.0 if flip else 1.0
    most, overlap = 0, 0.0
    for p in range(min(count, SEEDS)):
        for q in range(p):
            a, b = matches[order[p], 0], matches[order[q], 0]
            c, d = matches[order[p], 1], matches[order[q], 1]
            ax, ay = side * (places_a[b, 0] - places_a[a, 0]), places_a[b, 1] - places_a[a, 1]
            bx, by = places_b[d, 0] - places_b[c, 0], places_b[d, 1] - places_b[c, 1]
            before, after = np.sqrt(ax * ax + ay * ay), np.sqrt(bx * bx + by * by)
            if before < LEAST_SPAN or after < LEAST_SPAN:
                continue
            size = after / before
            if size > LARGEST or size < 1 / LARGEST or ax * bx + ay * by < 0.98 * before * after:
                continue
            x = places_b[c, 0] - size * side * places_a[a, 0]
            y = places_b[c, 1] - size * places_a[a, 1]
            agreeing = _agreeing(matches[:count], places_a, places_b, side * size, size, x, y)
            if agreeing > most:
                most = agreeing
                overlap = _overlap(side * size, size, x, y)
        if most >= ENOUGH:
            break
    return most, overlap


@compiled
def _agreeing(matches, places_a, places_b, across, down, x, y):
    """Number of matches that the change moves to their places, without those beside one that counts already."""
    kept, count = np.empty((matches.shape[0], 2)), 0
    near = NEAR * max(1.0, down)
    for k in range(matches.shape[0]):
        i, j = matches[k]
        if (
            abs(across * places_a[i, 0] + x - places_b[j, 0]) > near
            or abs(down * places_a[i, 1] + y - places_b[j, 1]) > near
        ):
            continue
        ratio = places_b[j, 2] / (places_a[i, 2] * down)
        if ratio > STRETCH or ratio < 1 / STRETCH:
            continue
        fresh = True
        for n in range(count):
            fresh &= (
                abs(kept[n, 0] - places_a[i, 0]) * max(1.0, down) > APART
                or abs(kept[n, 1] - places_a[i, 1]) * max(1.0, down) > APART
            )
        if fresh:
            kept[count, 0], kept[count, 1] = places_a[i, 0], places_a[i, 1]
            count += 1
    return count


@compiled
def _overlap(across, down, x, y):
    """Area that window b shares with window a, moved into it, over the area of both together."""
    left, right = min(x, x + across), max(x, x + across)
    wide, tall = min(right, 1.0) - max(left, 0.0), min(y + down, 1.0) - max(y, 0.0)
    shared = max(wide, 0.0) * max(tall, 0.0)
    return shared / (1.0 + down * down - shared)


@compiled
def _ones(x):
    """How many bits are set (Warren, Hacker's Delight, 5-1)."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))
