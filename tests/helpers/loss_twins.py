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
    """Computes the value of a loss by loops.

    Args:
        loss: A loss.
        embeddings, ids: The arguments of its call.
        log_temperature, offset: Parameters in place of the similarity's own.

    Returns:
        float.
    """
    similarity = loss.similarity
    if log_temperature is None:
        log_temperature = similarity.log_temperature.numpy()
    if offset is None:
        offset = similarity.offset.numpy()
    taus, offsets = (
        np.broadcast_to(np.asarray(x, "float64"), len(similarity.pairs))
        for x in (np.exp(log_temperature, dtype="float64"), offset)
    )
    # A float32 scalar among plain floats would round the result.
    parameters = dict(
        zip(
            similarity.pairs,
            zip(taus.tolist(), offsets.tolist(), strict=True),
            strict=True,
        )
    )
    anchors = list(find_anchors(loss, embeddings, ids, parameters))
    twin = TWINS[type(loss).__name__]
    return float(twin(loss, anchors))


def find_anchors(loss, embeddings, ids, parameters):
    rows = [
        (domain, row, z / math.sqrt(z @ z), i)
        for domain in embeddings
        for row, (z, i) in enumerate(
            zip(
                np.asarray(embeddings[domain], "float64"),
                np.asarray(ids[domain]).tolist(),
                strict=True,
            )
        )
    ]
    cosines = np.stack([z for _, _, z, _ in rows])
    cosines = (cosines @ cosines.T).tolist()
    for m, (domain, row, _, own) in enumerate(rows):
        positives, negatives = [], []
        for n, (other, candidate, _, i) in enumerate(rows):
            pair = pair_of(loss, (domain, other))
            if pair not in loss.pairs:
                continue
            tau, offset = parameters[pair]
            logit = (cosines[m][n] - offset) / tau
            if i != own:
                negatives.append((other, logit))
            elif loss.include_self or (domain, row) != (other, candidate):
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
        Term(
            (anchor.domain, candidate),
            1 / len(anchor.positives),
            against(anchor, logit),
        )
        for anchor in anchors
        for candidate, logit in anchor.positives
    ]


def share_out(terms, group_of, shares):
    """Weights the terms so that each group gets its share.

    Returns:
        Tuple of the weighted sum and the total share of the groups present.
    """
    totals = {}
    for term in terms:
        group = group_of(term.direction)
        totals[group] = totals.get(group, 0.0) + term.weight
    value = sum(
        term.value
        * term.weight
        * shares[group_of(term.direction)]
        / totals[group_of(term.direction)]
        for term in terms
    )
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
        value, whole = share_out(
            terms, lambda direction: pair_of(loss, direction), shares
        )
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
        shares = shares_of(loss, directions)
        terms = terms_of(anchors, against)
        return share_out(terms, lambda direction: direction, shares)[0]

    return value


def equal_shares(loss, directions):
    return dict.fromkeys(directions, 1 / len(directions))


def slip_shares(loss, directions):
    return {
        (anchor, candidate): loss.view_weight if anchor == candidate else 0.5
        for anchor, candidate in directions
    }


def mil_nce(loss, anchors):
    values = [
        against_all(anchor, logsumexp(anchor.positives))
        for anchor in anchors
        if anchor.positives
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
