"""Contrastive losses over any number of domains, positives given by ids."""

from uniclip_keras.losses.contrastive_loss import ContrastiveLoss
from uniclip_keras.losses.losses import CLIP
from uniclip_keras.losses.losses import MILNCE
from uniclip_keras.losses.losses import MPNCE
from uniclip_keras.losses.losses import SLIP
from uniclip_keras.losses.losses import InfoNCE
from uniclip_keras.losses.losses import SigLIP
from uniclip_keras.losses.losses import SupCon
from uniclip_keras.losses.losses import UniCL
