"""Contrastive losses over any number of domains, positives given by ids."""

from uniclip_keras.losses.multi_positive import MILNCE
from uniclip_keras.losses.multi_positive import MPNCE
from uniclip_keras.losses.multi_positive import InfoNCE
from uniclip_keras.losses.multi_positive import SupCon
from uniclip_keras.losses.pairwise import CLIP
from uniclip_keras.losses.pairwise import SLIP
from uniclip_keras.losses.pairwise import SigLIP
from uniclip_keras.losses.pairwise import UniCL

__all__ = [
    "CLIP",
    "InfoNCE",
    "MILNCE",
    "MPNCE",
    "SLIP",
    "SigLIP",
    "SupCon",
    "UniCL",
]
