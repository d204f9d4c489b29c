"""UniCLIP and the methods that it is measured against, by name.

A configuration file that takes a method is called with it after a colon:

    --config=experiments/configs/emoji.py:clip

`uniclip`, `info_nce`, `sup_con` and `mil_nce` differ in the objective alone.
`clip`, `slip`, `unicl` and `siglip` also have their own heads and views.
"""

from ml_collections import ConfigDict

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

OBJECTIVES = {
    "uniclip": {
        "kind": "mp_nce",
        "include_self": True,
        "domain_weights": "balanced",
    },
    "info_nce": {"kind": "info_nce", "domain_weights": "balanced"},
    "sup_con": {"kind": "sup_con", "domain_weights": "balanced"},
    "mil_nce": {"kind": "mil_nce"},
    "clip": {"kind": "clip"},
    "slip": {"kind": "slip", "view_weight": 1.0},
    "unicl": {"kind": "unicl"},
    "siglip": {"kind": "siglip"},
}
# Methods that see each image once, through a linear head.
ONE_VIEW = ("clip", "unicl", "siglip")


def use_method(config, method):
    """Sets a configuration's objective, heads and views to a method's.

    Args:
        config: an unlocked `ConfigDict` made for UniCLIP: its first view is
            the weak one, the others are strong.
        method: a name of `OBJECTIVES`.

    Raises:
        InputError: for an unknown method.
    """
    if method not in OBJECTIVES:
        raise InputError(
            f"There is no method {method!r}{suggest(method, OBJECTIVES)}; the "
            f"methods are {', '.join(OBJECTIVES)}."
        )
    config.objective = ConfigDict(OBJECTIVES[method])
    weak, *strong = config.data.views
    if method in ONE_VIEW:
        config.data.views = [weak]
    if method == "slip":
        config.data.views = [weak, strong[0], strong[-1]]
    if method == "slip" or method in ONE_VIEW:
        config.model.augmentation_units = None
        config.model.projection_blocks = 0
