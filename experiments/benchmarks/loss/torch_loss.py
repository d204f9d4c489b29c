"""The dense MP-NCE in PyTorch, line by line that of `tensorflow_loss`."""

import math

import torch
from torch.nn import functional


def prepare(form, temperature, batch):
    """Builds a forward and backward pass; see `tensorflow_loss.prepare`."""
    batch = [torch.tensor(array) for array in batch]
    log_temperature = torch.full((3,), math.log(temperature))
    offset = torch.zeros(3)
    variables = [*batch[:2], log_temperature, offset]
    for variable in variables:
        variable.requires_grad_()

    def step():
        value = dense_mp_nce(batch, log_temperature, offset, form == "lean")
        return value.item(), torch.autograd.grad(value, variables)

    return step


def dense_mp_nce(batch, log_temperature, offset, gather_positives):
    """MP-NCE from one matrix of all logits; see `tensorflow_loss`."""
    images, texts, image_ids, text_ids = batch
    images = functional.normalize(images, dim=1)
    texts = functional.normalize(texts, dim=1)
    rows = torch.cat([images, texts])
    ids = torch.cat([image_ids, text_ids])
    # 0 for an image and 1 for a text: their sum is the index of a pair.
    domain = torch.arange(len(rows)).ge(len(images)).long()
    temperature = log_temperature.exp()

    def logits_of(anchors, pair):
        return (anchors @ rows.T - offset[pair]) / temperature[pair]

    logits = torch.cat(
        [logits_of(images, domain), logits_of(texts, domain + 1)]
    )
    same = ids[:, None] == ids[None, :]
    against = logits.masked_fill(same, -torch.inf).logsumexp(dim=1)
    if gather_positives:
        anchor, other = same.nonzero(as_tuple=True)
        terms = functional.softplus(against[anchor] - logits[anchor, other])
        weight = 1.0 / anchor.bincount()[anchor]
        pair = domain[anchor] + domain[other]
    else:
        terms = functional.softplus(against[:, None] - logits)
        weight = same / same.sum(dim=1, keepdim=True)
        pair = domain[:, None] + domain[None, :]
    shares = [weight.masked_fill(pair != index, 0.0) for index in range(3)]
    return sum((share * terms).sum() / share.sum() for share in shares) / 3
