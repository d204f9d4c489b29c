"""Orders of the ids that bring similar items together.

Equal ids must stay adjacent, but the engine may sort them in any order. An
order maps the mean embeddings of the items, float64 `[items, dim]` of unit
length, to a permutation `[items]`.
"""

import numpy as np

# Items per cluster of `k_means`, and per leaf of `bisection`.
CLUSTER, LEAF = 24, 8


def by_id(means):
    """Keeps the order of the ids, as the engine does."""
    return np.arange(len(means))


def projection(means):
    """Sorts along the first principal component."""
    return np.argsort(_first_component(means))


def bisection(means):
    """Halves along the first component, then each half along its own."""
    order = projection(means)
    if len(order) <= LEAF:
        return order
    halves = np.array_split(order, 2)
    return np.concatenate([half[bisection(means[half])] for half in halves])


def chain(means):
    """Goes on from each item to its most similar one of those left."""
    order = [int(np.argmax(_first_component(means)))]
    left = np.ones(len(means), bool)
    for _ in range(len(means) - 1):
        left[order[-1]] = False
        order.append(np.argmax(np.where(left, means @ means[order[-1]], -2)))
    return np.array(order)


def k_means(means, rounds=15):
    """Clusters the items, and chains the clusters."""
    rng = np.random.default_rng(0)
    count = max(1, len(means) // CLUSTER)
    centers = means[rng.choice(len(means), count, replace=False)]
    for _ in range(rounds):
        cluster = np.argmax(means @ centers.T, axis=1)
        sums = np.zeros_like(centers)
        np.add.at(sums, cluster, means)
        # A cluster that became empty keeps its center.
        filled = np.linalg.norm(sums, axis=1, keepdims=True) > 0
        centers = np.where(filled, unit_rows(sums), centers)
    return np.argsort(np.argsort(chain(centers))[cluster], kind="stable")


ORDERS = {
    "id": by_id,
    "projection": projection,
    "bisection": bisection,
    "chain": chain,
    "k-means": k_means,
}


def reorder(name, embeddings, ids):
    """Sorts the rows of each domain by item, and the items in an order.

    Takes and returns `(embeddings, ids)`: mappings from domain to float32
    `[n, dim]` and integers `[n]`. The new ids count the items from 0.
    """
    known, items = np.unique(
        np.concatenate(list(ids.values())), return_inverse=True
    )
    rows = np.concatenate(list(embeddings.values()))
    means = np.zeros([len(known), rows.shape[1]])
    np.add.at(means, items, rows)
    places = np.argsort(ORDERS[name](unit_rows(means)))
    ids = {d: places[np.searchsorted(known, i)] for d, i in ids.items()}
    by_place = {d: np.argsort(i, kind="stable") for d, i in ids.items()}
    return (
        {d: z[by_place[d]] for d, z in embeddings.items()},
        {d: i[by_place[d]] for d, i in ids.items()},
    )


def unit_rows(x):
    """Scales rows to unit length; a zero row stays zero."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def _first_component(x):
    x = x - x.mean(axis=0)
    return x @ np.linalg.eigh(x.T @ x)[1][:, -1]
