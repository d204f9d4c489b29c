"""Slow twins of the losses: loops over anchors and candidates in float64.

The twins follow from the formulas alone. They share nothing with the code
under test but the arguments of a loss and the values of its parameters.
"""

import math
from typing import NamedTuple

import numpy as np


class Anchor(NamedTuple):
    """An anchor, with its candidates as `(candidate domain, logit)`."""

    domain: str
    positives: list
    negatives: list


class Term(NamedTuple):
    """One positive of one anchor, and the direction of their domains."""

    direction: tuple
    weight: float
    value: float


def twin_value(loss, embeddings, ids, log_temperature=None, offset=None):
    """Computes the value of a loss by loops, with parameters or its own."""
    similarity = loss.similarity
    if log_temperature is None:
        log_temperature = similarity.log_temperature.numpy()
    if offset is None:
        offset = similarity.offset.numpy()
    # A float32 scalar among plain floats would round the result.
    taus = np.exp(log_temperature, dtype="float64").tolist()
    offsets = np.asarray(offset, "float64").tolist()
    parameters = dict(
        zip(similarity.pairs, zip(taus, offsets, strict=True), strict=True)
    )
    anchors = list(find_anchors(loss, embeddings, ids, parameters))
    return float(TWINS[type(loss).__name__](loss, anchors))


def find_anchors(loss, embeddings, ids, parameters):
    rows = [
        (domain, int(i), z / math.sqrt(z @ z))
        for domain in embeddings
        for i, z in zip(
            ids[domain], np.asarray(embeddings[domain], "float64"), strict=True
        )
    ]
    z = np.stack([z for _, _, z in rows])
    cosines = (z @ z.T).tolist()
    for m, (domain, own, _) in enumerate(rows):
        positives, negatives = [], []
        for n, (other, i, _) in enumerate(rows):
            pair = pair_of(loss, (domain, other))
            if pair not in loss.pairs:
                continue
            tau, offset = parameters[pair]
            logit = (cosines[m][n] - offset) / tau
            if i != own:
                negatives.append((other, logit))
            elif loss.include_self or m != n:
                positives.append((other, logit))
        yield Anchor(domain, positives, negatives)


def pair_of(loss, direction):
    order = loss.similarity.domains.index
    return "-".join(sorted(direction, key=order))


def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def logsumexp(candidates):
    top = max(logit for _, logit in candidates)
    return top + math.log(sum(math.exp(s - top) for _, s in candidates))


def against_negatives(anchor, logit):
    if not anchor.negatives:
        return 0.0
    return softplus(logsumexp(anchor.negatives) - logit)


def against_all(anchor, logit):
    return logsumexp(anchor.positives + anchor.negatives) - logit


def terms_of(anchors, against):
    return [
        Term((a.domain, candidate), 1 / len(a.positives), against(a, logit))
        for a in anchors
        for candidate, logit in a.positives
    ]


def share_out(terms, group_of, shares):
    """The sum of terms by share of group, and the share of those present."""
    totals, sums = {}, {}
    for term in terms:
        group = group_of(term.direction)
        totals[group] = totals.get(group, 0.0) + term.weight
        sums[group] = sums.get(group, 0.0) + term.weight * term.value
    value = sum(shares[group] * sums[group] / totals[group] for group in totals)
    return value, sum(shares[group] for group in totals)


def weighted(against):
    """MP-NCE, InfoNCE and SupCon, which `domain_weights` weights by pair."""

    def value(loss, anchors):
        terms = terms_of(anchors, against)
        count = sum(bool(anchor.positives) for anchor in anchors)
        if not count:
            return 0.0
        shares = loss.domain_weights
        if shares == "uniform":
            return sum(term.weight * term.value for term in terms) / count
        if shares == "balanced":
            shares = dict.fromkeys(loss.pairs, 1.0)
        value, whole = share_out(terms, lambda d: pair_of(loss, d), shares)
        return value / whole

    return value


def by_direction(against, shares_of):
    """CLIP, SLIP and UniCL: a mean over the anchors of each direction."""

    def value(loss, anchors):
        domains = {anchor.domain for anchor in anchors}
        directions = [
            (a, b)
            for a in domains
            for b in domains
            if pair_of(loss, (a, b)) in loss.pairs
        ]
        terms = terms_of(anchors, against)
        return share_out(terms, lambda d: d, shares_of(loss, directions))[0]

    return value


def equal_shares(loss, directions):
    return dict.fromkeys(directions, 1 / len(directions))


def slip_shares(loss, directions):
    return {(a, b): loss.view_weight if a == b else 0.5 for a, b in directions}


def mil_nce(loss, anchors):
    values = [
        against_all(a, logsumexp(a.positives)) for a in anchors if a.positives
    ]
    return sum(values) / len(values) if values else 0.0


def siglip(loss, anchors):
    """The mean over the rows of the first domain of each pair."""
    order = loss.similarity.domains.index
    rows = {}
    for anchor in anchors:
        rows[anchor.domain] = rows.get(anchor.domain, 0) + 1
    return sum(
        softplus(sign * logit) / rows[anchor.domain]
        for anchor in anchors
        for sign, candidates in ((-1, anchor.positives), (1, anchor.negatives))
        for candidate, logit in candidates
        if order(anchor.domain) <= order(candidate)
    )


TWINS = {
    "MPNCE": weighted(against_negatives),
    "InfoNCE": weighted(against_negatives),
    "SupCon": weighted(against_all),
    "MILNCE": mil_nce,
    "CLIP": by_direction(against_negatives, equal_shares),
    "SLIP": by_direction(against_negatives, slip_shares),
    "UniCL": by_direction(against_all, equal_shares),
    "SigLIP": siglip,
}


def differences(function, x, step=1e-5):
    """Computes the gradient of `function` at `x` by central differences."""
    x = np.asarray(x, "float64")
    gradient = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        moved = x.copy()
        moved[index] += step
        up = function(moved)
        moved[index] -= 2 * step
        gradient[index] = (up - function(moved)) / (2 * step)
    return gradient
