"""How much less a reading tells where readings go together in clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from rramsim.statistics.confidence import CONFIDENCE

LEAST_CLUSTERS = 5
"""Fewer clusters of readings do not show how far the next cluster may lie from them."""

_FEW_CLUSTERS = 5
"""Fewer clusters that err do not show how much the errors of a cluster go together."""


def design_effect(wrong: ArrayLike, cluster: ArrayLike, x: ArrayLike) -> float:
    """Return by how much readings in clusters widen the variance of an error rate.

    The variance of the rate over clusters (each one's errors less those expected of it, squared)
    over that of independent readings, at least 1 and times (t with clusters - 1 over t with
    readings - 1 degrees of freedom)**2: n readings then count as n / effect [1]_. Where fewer
    than 5 clusters err, or none does, the errors do not show it, and it is at least
    1 + (m - 1) rho [2]_, with m the readings a cluster and rho the correlation of `x` within them:
    with normal x, errors in the tails go together less than x does, so this is on the wide side.

    Parameters
    ----------
    wrong : array_like of bool, shape (readings,)
        Whether a reading is an error.
    cluster : array_like, shape (readings,)
        Number of the cluster, such as the cell read; -1 where unknown: then one of its own.
    x : array_like, shape (readings,)
        What was read, on a scale on which it is normal.

    Returns
    -------
    float
        1 where no cluster holds two readings, and for a single one, of which the rate then is.

    References
    ----------
    .. [1] E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small
       expected number of positive counts estimated from survey data", Survey Methodology 24,
       1998.
    .. [2] L. Kish, Survey Sampling, Wiley, 1965.
    """
    errors, values = np.asarray(wrong, dtype=float), np.asarray(x, dtype=float)
    clusters = clusters_of(cluster)
    n, k = clusters.size, int(clusters.max(initial=-1)) + 1
    if not 1 < k < n:
        return 1.0
    reads = np.bincount(clusters)
    of_cluster = np.bincount(clusters, weights=errors)
    p = float(errors.mean())
    effect = 1.0
    if 0.0 < p < 1.0:
        variance = k / (k - 1.0) * float(np.sum((of_cluster - p * reads) ** 2)) / n**2
        effect = max(effect, variance / (p * (1.0 - p) / n))
    if np.count_nonzero(of_cluster) < _FEW_CLUSTERS:
        expected = float(np.sum(reads**2)) / n
        effect = max(effect, 1.0 + (expected - 1.0) * within_clusters(values, clusters))
    end = 0.5 + CONFIDENCE / 2.0
    return effect * float(t.ppf(end, k - 1) / t.ppf(end, n - 1)) ** 2


def clusters_of(cluster: ArrayLike) -> NDArray[np.int_]:
    """Return the independent group of each reading, from 0: its cluster, or its own if unnamed."""
    number = np.asarray(cluster)
    unnamed = number < 0
    _, group = np.unique(number[~unnamed], return_inverse=True)
    clusters = np.empty(number.size, dtype=int)
    clusters[~unnamed] = group
    named = int(group.max()) + 1 if group.size else 0
    clusters[unnamed] = named + np.arange(np.count_nonzero(unnamed))
    return clusters


def within_clusters(x: NDArray[np.float64], clusters: NDArray[np.int_]) -> float:
    """Return the correlation of `x` within clusters, from 0 to 1, by analysis of variance.

    Readings that never differ within a cluster have a correlation of 1.
    """
    reads = np.bincount(clusters)
    n, k = clusters.size, reads.size
    means = np.bincount(clusters, weights=x) / reads
    between = float(np.sum(reads * (means - x.mean()) ** 2)) / (k - 1)
    within = float(np.sum((x - means[clusters]) ** 2)) / (n - k)
    if within == 0.0:
        return 1.0
    size = (n - float(np.sum(reads**2)) / n) / (k - 1)
    return max(0.0, (between - within) / (between + (size - 1.0) * within))
