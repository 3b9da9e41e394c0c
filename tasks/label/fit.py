"""Classes found in the data: sample, embedding, number of classes, legend, classifier."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.label.classifier import Classifier, fit_scaling, learn, read_pinned, teach
from tasks.label.clusters import dense_clusters, embed, partition
from tasks.label.evidence import Evidence, best, weigh
from tasks.label.features import feature_names
from tasks.label.legend import edit, legend, match
from tasks.label.moves import Moves
from tasks.label.params import Cluster
from tasks.label.reference import nearest, prototypes
from tasks.label.sample import Pixels, choose, draw_pixels, strata
from tasks.label.traits import traits

VOTERS = 15  # sampled neighbours that vote as the teacher


@dataclass(frozen=True)
class Found:
    """The result of a fit.

    Attributes:
        sample: the clustered pixels; scaled: their scaled features; points: their embedding; labels: their class ids;
        noise: those in no dense cluster; dense: the number of dense clusters.
        evidence: of every number of classes that was tried; k: the chosen number, before all edits.
        agreement: share of held-out pixels on which student and teacher agree.
    """

    classifier: Classifier
    sample: Pixels
    scaled: np.ndarray
    points: np.ndarray
    labels: np.ndarray
    noise: np.ndarray
    dense: int
    evidence: list[Evidence]
    k: int
    agreement: float


def find_classes(
    stage: Stage, settings: Cluster, tiles: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame, layers: tuple[str, ...],
    gsd: float | None,
) -> Found:  # fmt: skip
    """Find the classes. The same parameters and data give the same classes."""
    names = feature_names(layers, settings.features.radii_px, settings.features.lightness != "none")
    pixels = draw_pixels(stage, tiles, scenes, layers, settings.features, settings.sample)
    # Scaling is fitted twice: on all pixels to choose the sample, and on the sample to compare its pixels.
    # Half of all pixels may be sea, and then their scaling would make differences between kinds of land too small.
    rough = fit_scaling(pixels.planes, names, settings.features.weights).apply(pixels.planes)
    region = tiles["region"].to_numpy()[pixels.tile]
    layer = strata(pixels.planes, names, region, settings.sample)
    chosen = choose(rough, layer, settings.sample.pixels, stage.rng("choose"))
    sample = pixels.take(chosen)
    scaling = fit_scaling(sample.planes, names, settings.features.weights)
    scaled_all = scaling.apply(pixels.planes)
    scaled = scaled_all[chosen]
    choice = settings.choice
    most = choice.k if isinstance(choice.k, int) else choice.candidates[1]
    if len(sample) < 20 * most:
        raise LandloomError(
            f"label: {len(sample)} distinct pixels were found, which is too few for {most} classes; "
            "raise cluster.sample.per_tile, or look for fewer classes"
        )

    seed = int(stage.rng("umap").integers(2**31 - 1000))
    stage.say(f"embedding {len(sample)} of {len(pixels)} pixels with {len(names)} features")
    points = embed(scaled, settings.embedding, seed)
    dense = dense_clusters(points, choice.least_cluster)
    lowest, highest = choice.candidates
    ks = list(range(lowest, highest + 1)) if choice.k == "auto" else [choice.k]
    evidence = weigh(scaled, points, dense, ks, settings.embedding, choice, seed, stage.rng("halves"))
    taken = best(evidence, choice.least_stability)
    k = taken.k
    if taken.stability < choice.least_stability:
        stage.say(
            f"no number of classes reaches least_stability {choice.least_stability}: {k} classes have "
            f"{taken.stability:.2f}, and another seed would find other classes; raise sample.pixels or set k"
        )
    labels = partition(points, dense, k, seed)

    found = legend(labels, traits(sample.planes, names, sample.color, labels, k))
    if settings.reference:
        earlier = read_pinned(settings.reference, stage.root, "cluster.reference")
        found = match(found, earlier.found, nearest(sample.planes, names, earlier))
    moves = Moves(stage.dir, tiles, scenes, layers, settings.features, scaling, sample, scaled)
    edited = edit(found, settings.edits, moves.pick, "cluster.edits")

    ids = edited.ids()
    kept = dense >= 0
    if len(np.unique(ids[kept])) < len(edited.classes):
        kept[:] = True  # a class whose pixels are all noise is still a class
    taught = teach(scaled[kept], ids[kept], scaled_all, min(VOTERS, int(kept.sum())))
    taught[chosen[kept]] = ids[kept]  # so the vote does not remove small classes and pixels that a person moved
    hidden, out, agreement = learn(scaled_all, taught, len(edited.classes), settings.hidden, seed)
    classes = edited.card().to_dict("records")
    classifier = Classifier(
        settings.features, layers, gsd, names, scaling, hidden, out, classes, prototypes(found, sample.planes)
    )
    return Found(classifier, sample, scaled, points, ids, dense < 0, int(dense.max()) + 1, evidence, k, agreement)
