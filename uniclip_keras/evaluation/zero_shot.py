"""Zero-shot classification: the nearest class embedding names the image."""

from collections import Counter

import numpy as np

from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import rank_correct
from uniclip_keras.evaluation.ranking import unit_rows


def class_embeddings(encode_texts, class_texts, templates="plain"):
    """One embedding per class: the mean over all of its prompts.

    Every text of a class is put into every template; the unit vectors are
    averaged and the mean is brought to unit length (CLIP, section 3.1.4).

    Args:
        encode_texts: callable, n different strings -> float [n, dim]; called
            once, and free to work in batches.
        class_texts: for each class a sequence of texts.
        templates: as `prompt_templates` takes them.

    Returns:
        float32 [classes, dim], unit length.

    Raises:
        InputError: no classes, a class without texts, or templates that
            `prompt_templates` refuses.
    """
    templates = prompt_templates(templates)
    if not len(class_texts):
        raise InputError("There are no classes; give at least one.")
    prompts = []
    for place, texts in enumerate(class_texts):
        if isinstance(texts, str) or not len(texts):
            raise InputError(
                f"Class {place} has the texts {texts!r}; give each class a "
                "list with at least one text."
            )
        # Replaced, not formatted: braces in a template or text stay as is.
        prompts.append([t.replace("{}", x) for x in texts for t in templates])
    # Dict keys are the distinct prompts in their order.
    distinct = list(dict.fromkeys(p for group in prompts for p in group))
    place_of = {prompt: place for place, prompt in enumerate(distinct)}
    vectors = unit_rows(encode_texts(distinct), "prompt embeddings")
    means = [
        vectors[[place_of[p] for p in group]].mean(axis=0) for group in prompts
    ]
    return unit_rows(means, "class embeddings")


def classify(
    image_embeddings, class_embeddings, labels, class_labels, top_k=(1, 5)
):
    """Zero-shot accuracy of images against class embeddings.

    CLIP, section 3.1.2. Tied classes count at their expected value (see
    `ranking`), so a constant embedding scores exactly the chance level.

    Args:
        image_embeddings: float [n, dim].
        class_embeddings: float [classes, dim], see `class_embeddings`.
        labels: n strings, the true class of each image.
        class_labels: the classes' labels, all different.
        top_k: the k of the accuracies; k above the number of classes is 1.0.

    Returns:
        A dict ready for JSON; all accuracies are fractions:
        `top<k>`; `chance` {top<k>} of guessing at random; `majority` {top<k>}
        of always naming the k most common classes; `mean_per_class`, the mean
        of the classes' own top-1; `per_class` {label: {"top1", "n"}} of the
        classes that have images; `n` images; `classes`.

    Raises:
        InputError: a label is not among the classes, a class label occurs
            twice, or embeddings and labels do not fit together.
    """
    _check_labels(labels, class_labels)
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


def _check_labels(labels, class_labels):
    repeated = [c for c, n in Counter(class_labels).items() if n > 1]
    if repeated:
        raise InputError(
            f"The class {repeated[0]!r} is listed more than once; put all "
            "texts of a class in one entry."
        )
    missing = sorted(set(labels) - set(class_labels))
    if missing:
        shown = ", ".join(map(repr, missing[:3]))
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(
            f"The images' labels {shown}{more} are not among the "
            f"{len(class_labels)} classes; add them to the class list."
        )
