"""UniCLIP and the methods that it is compared with, by name.

A configuration file that takes a method gets it after a colon:

    --config=experiments/configs/emoji.py:clip

`uniclip`, `info_nce`, `sup_con` and `mil_nce` differ in the loss alone.
`clip`, `slip`, `unicl` and `siglip` also have their own heads and views.
"""

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

METHODS = {
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
# Methods that see one view of each image, through a linear head.
ONE_VIEW = ("clip", "unicl", "siglip")


def use_method(config, method):
    """Sets the loss, heads and views of a configuration to those of a method.

    Its views are those for UniCLIP: a weak one, then strong ones.
    """
    if method not in METHODS:
        raise InputError(
            f"There is no method {method!r}{suggest(method, METHODS)}; the "
            f"methods are {', '.join(METHODS)}."
        )
    config.objective = METHODS[method]
    weak, *strong = config.data.views
    if method in ONE_VIEW:
        config.data.views = [weak]
    if method == "slip":
        config.data.views = [weak, strong[0], strong[-1]]
    if method == "slip" or method in ONE_VIEW:
        config.model.augmentation_units = None
        config.model.projection_blocks = 0
