"""Text encoders from the backbones of KerasHub, by name."""

import inspect
import os

import keras

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest
from uniclip_keras.models.backbones import find_library

# Library -> the module that holds its backbones.
LIBRARIES = {"keras_hub": "keras_hub.models", "keras_nlp": "keras_nlp.models"}
POOLINGS = ("first", "mean", "end", "pooled")
# Arguments by which a backbone learns its number of ids.
_VOCABULARIES = ("vocabulary_size", "vocab_size")
_INPUTS = ("token_ids", "padding_mask", "segment_ids")


def text_backbone(
    backbone,
    vocabulary_size,
    context_length,
    padding_id,
    options=None,
    pooling="first",
    name="text_encoder",
):
    """Makes a text encoder from a backbone of KerasHub that a text names.

    Its tokens are those of the backbone's own tokenizer, see
    `data.KerasHubTokenizer`. The backbone's other inputs follow from them:
    what lies behind the last token that is not padding is masked, and all
    tokens belong to one segment.

    Args:
        backbone: str. Library and name. `"keras_hub:bert_tiny_en_uncased"` is
            a preset with its weights, `"keras_hub:./my_preset"` one in a
            local folder, `"keras_hub:BertBackbone"` a class, whose weights are
            random. `keras_nlp`, the library's earlier name, is an extra.
        vocabulary_size: int. Number of token ids.
        context_length: int. Tokens per text.
        padding_id: int. The tokenizer's `padding_id`.
        options: Dict of arguments of the backbone. A class takes its number of
            ids and positions from the tokens unless they are given here.
        pooling: str. "first" takes the state of the first token, the class
            token of BERT; "mean" averages the states of all tokens but
            padding; "end" takes the last of them, for causal models; "pooled"
            is the output that BERT was trained to compare sentences with.
        name: str. Name of the model.

    Raises:
        InputError: If there is no such backbone, preset or pooling, the
            backbone refuses its options or does not read texts, or it knows
            fewer ids or positions than the tokens have.

    Example:

    ```python
    tokenizer = uk.data.KerasHubTokenizer("bert_tiny_en_uncased", 32)
    encoder = uk.models.text_backbone(
        "keras_hub:bert_tiny_en_uncased",
        tokenizer.vocabulary_size,
        tokenizer.context_length,
        tokenizer.padding_id,
    )
    encoder(tokenizer(["red heart"])).shape  # (1, 128)
    ```
    """
    if pooling not in POOLINGS:
        raise InputError(
            f"pooling={pooling!r} is unknown{suggest(pooling, POOLINGS)}."
        )
    made = _make(backbone, vocabulary_size, context_length, dict(options or {}))
    tokens = keras.Input((context_length,), dtype="int32", name="tokens")
    # 1 up to the last token that is no padding: in some vocabularies the
    # padding is also the id of a character.
    mask = keras.ops.flip(keras.ops.cast(tokens != padding_id, "int32"), 1)
    mask = keras.ops.flip(keras.ops.cumsum(mask, axis=1), 1)
    mask = keras.ops.minimum(mask, 1)
    inputs = {
        "token_ids": tokens,
        "padding_mask": mask,
        "segment_ids": keras.ops.zeros_like(tokens),
    }
    states = _select_output(made, pooling, backbone)(
        {key: inputs[key] for key in made.input}
    )
    if pooling == "first":
        states = states[:, 0]
    elif pooling in ("mean", "end"):
        weights = mask
        if pooling == "end":
            # The mask falls from 1 to 0 behind the last token.
            weights = mask - keras.ops.pad(mask[:, 1:], ((0, 0), (0, 1)))
        weights = keras.ops.cast(weights, states.dtype)
        weights = weights / keras.ops.sum(weights, axis=1, keepdims=True)
        states = keras.ops.einsum("bl,blw->bw", weights, states)
    return keras.Model(tokens, states, name=name)


def find_text_backbone(backbone):
    """Returns `(class, preset or None)` of a text "LIBRARY:NAME".

    It reads no preset.

    Raises:
        InputError: If there is none.
    """
    library, module, name = find_library(
        backbone, LIBRARIES, "keras_hub:bert_tiny_en_uncased"
    )
    classes = {
        known: kind
        for known, kind in vars(module).items()
        if known.endswith("Backbone")
        and set(_VOCABULARIES) & set(inspect.signature(kind).parameters)
    }
    if name in classes:
        return classes[name], None
    presets = {p for kind in classes.values() for p in kind.presets}
    if name in presets or "://" in name or os.path.isdir(name):
        return module.Backbone, name
    raise InputError(
        f"{library} has no text backbone, preset or local folder {name!r}"
        f"{suggest(name, sorted([*classes, *presets]))}."
    )


def _make(backbone, vocabulary_size, context_length, options):
    kind, preset = find_text_backbone(backbone)
    try:
        if preset is not None:
            made = kind.from_preset(preset, **options)
        else:
            known = inspect.signature(kind).parameters
            sizes = dict.fromkeys(_VOCABULARIES, vocabulary_size)
            sizes["max_sequence_length"] = context_length
            sizes = {key: sizes[key] for key in sizes if key in known}
            made = kind(**sizes | options)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(
            f"the backbone {backbone!r} cannot be made with its options "
            f"{sorted(options)} ({error}); name a class of KerasHub and all "
            "that it needs, a preset, or its local folder."
        ) from error
    needed = list(made.input) if isinstance(made.input, dict) else []
    if "token_ids" not in needed or not set(needed) <= set(_INPUTS):
        raise InputError(
            f"the backbone {backbone!r} takes {needed or 'one tensor'}, and "
            f"texts give {list(_INPUTS)}; choose an encoder of texts, such as "
            "'keras_hub:BertBackbone'."
        )
    for attribute, size, what in (
        *((name, vocabulary_size, "token ids") for name in _VOCABULARIES),
        ("max_sequence_length", context_length, "tokens per text"),
    ):
        most = getattr(made, attribute, None)
        if most is not None and most < size:
            raise InputError(
                f"the backbone {backbone!r} knows {most} {what}, and the "
                f"tokenizer gives {size}; give its own tokenizer, and a "
                "context_length that fits."
            )
    return made


def _select_output(made, pooling, backbone):
    """The model up to one output: unused layers would decay, untrained."""
    outputs = made.output
    if not isinstance(outputs, dict):
        outputs = {"sequence_output": outputs}
    key = "pooled_output" if pooling == "pooled" else "sequence_output"
    if key not in outputs:
        raise InputError(
            f"pooling={pooling!r} does not fit the backbone {backbone!r}, "
            f"which gives {sorted(outputs)}; choose 'first' or 'mean'."
        )
    if len(outputs) == 1:
        return made
    return keras.Model(made.input, outputs[key], name=made.name)
