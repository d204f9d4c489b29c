"""Zero-shot classification by the nearest class embedding."""

from collections import Counter

import numpy as np

from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.classification import class_codes
from uniclip_keras.evaluation.classification import classification_result
from uniclip_keras.evaluation.ranking import rank_correct
from uniclip_keras.evaluation.vectors import unit_rows


def class_embeddings(encode_texts, class_texts, templates="plain"):
    """Embeds each class as the mean over its prompts (CLIP, section 3.1.4).

    Every text of a class is put into every template. The unit vectors of these
    prompts are averaged, and the mean is scaled to unit length.

    Args:
        encode_texts: Function from n strings to float `[n, dim]`, called once.
        class_texts: A sequence of texts for each class.
        templates: A name or templates, see `prompt_templates`.

    Returns:
        Float32 array `[classes, dim]` of unit length.

    Raises:
        InputError: If there are no classes, a class has no texts, or
            `prompt_templates` refuses the templates.
    """
    templates = prompt_templates(templates)
    if not len(class_texts):
        raise InputError("There are no classes; give at least one.")
    prompts = []
    for index, texts in enumerate(class_texts):
        if isinstance(texts, str) or not len(texts):
            raise InputError(
                f"Class {index} has the texts {texts!r}; give each class a "
                "list with at least one text."
            )
        # `replace`, because `format` would interpret other braces.
        prompts.append([t.replace("{}", x) for x in texts for t in templates])
    distinct = list(dict.fromkeys(p for group in prompts for p in group))
    vectors = unit_rows(encode_texts(distinct), "prompt embeddings")
    vector_of = dict(zip(distinct, vectors, strict=True))
    means = [np.mean([vector_of[p] for p in group], 0) for group in prompts]
    return unit_rows(means, "class embeddings")


def zero_shot(
    image_embeddings,
    class_embeddings,
    labels,
    class_labels,
    top_k=(1, 5),
    groups=None,
):
    """Measures the zero-shot accuracy of images (CLIP, section 3.1.2).

    Tied classes count at their expected value (see `ranking`).

    Args:
        image_embeddings: Float array `[n, dim]`.
        class_embeddings: Float array `[classes, dim]`, see `class_embeddings`.
        labels: n labels. The true class of each image.
        class_labels: The labels of the classes, all different.
        top_k: Sequence of ints. The k of the accuracies.
        groups: n labels of what is resampled together in an interval, or None.

    Returns:
        A `Result` as of `classification_result`.

    Raises:
        InputError: If a label is not among the classes, a class label occurs
            twice, or embeddings and labels do not fit together.
    """
    repeated = [c for c, n in Counter(class_labels).items() if n > 1]
    if repeated:
        raise InputError(
            f"The class {repeated[0]!r} is listed more than once; put all "
            "texts of a class in one entry."
        )
    codes = class_codes(labels, class_labels, "images")
    ranks, _ = rank_correct(
        image_embeddings, class_embeddings, codes, np.arange(len(class_labels))
    )
    return classification_result(ranks, codes, class_labels, top_k, groups)


def zero_shot_metrics(*arguments, **options):
    """Calls `zero_shot` and returns its values: a dict ready for JSON."""
    return zero_shot(*arguments, **options).summary()
