"""Contrastive losses over any number of domains, positives given by ids."""

from uniclip_keras.losses.mp_nce import MPNCE

__all__ = ["MPNCE"]
