"""Zero-shot classification by the nearest class embedding."""

from collections import Counter

import numpy as np

from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import rank_correct
from uniclip_keras.evaluation.ranking import unit_rows


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


def zero_shot_metrics(
    image_embeddings, class_embeddings, labels, class_labels, top_k=(1, 5)
):
    """Measures the zero-shot accuracy of images (CLIP, section 3.1.2).

    Tied classes count at their expected value (see `ranking`).

    Args:
        image_embeddings: Float array `[n, dim]`.
        class_embeddings: Float array `[classes, dim]`, see `class_embeddings`.
        labels: n strings. The true class of each image.
        class_labels: Strings. The labels of the classes, all different.
        top_k: Sequence of ints. The k of the accuracies.

    Returns:
        A dict ready for JSON, with accuracies as fractions: `top<k>`; `chance`
        {top<k>}, of random guesses; `majority` {top<k>}, of always naming the
        k most common classes; `mean_per_class`, the mean of the top-1 of each
        class; `per_class` {label: {"top1", "n"}} of the classes with images;
        `n`, the number of images; `classes`, the number of classes.

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
    missing = sorted(set(labels) - set(class_labels))
    if missing:
        raise InputError(
            f"{len(missing)} labels of images, such as {missing[0]!r}, are not "
            f"among the {len(class_labels)} classes; add them."
        )
    ranks, chance = rank_correct(
        image_embeddings, class_embeddings, labels, class_labels
    )
    images_of_class = Counter(labels)
    most_common = [n for _, n in images_of_class.most_common()]
    hits = ranks.hit(1)
    labels = np.asarray(labels)
    per_class = {
        label: {"top1": float(hits[labels == label].mean()), "n": count}
        for label in class_labels
        if (count := images_of_class[label])
    }
    return {
        **{f"top{k}": float(ranks.hit(k).mean()) for k in top_k},
        "chance": {f"top{k}": float(chance.hit(k).mean()) for k in top_k},
        "majority": {
            f"top{k}": sum(most_common[:k]) / len(labels) for k in top_k
        },
        "mean_per_class": float(
            np.mean([row["top1"] for row in per_class.values()])
        ),
        "per_class": per_class,
        "n": len(labels),
        "classes": len(class_labels),
    }
