"""Prompt templates, and class embeddings as prompt ensembles."""

import difflib

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.ranking import unit_rows

PROMPTS = {
    "plain": ("{}",),
    "emoji": (
        "{}",
        "an emoji of {}",
        "a drawing of {}",
        "a picture of {}",
        "an icon of {}",
        "a cartoon of {}",
        "a symbol of {}",
    ),
    # The seven templates that the authors of CLIP found to do best together.
    "photo": (
        "itap of a {}.",
        "a bad photo of the {}.",
        "a origami {}.",
        "a photo of the large {}.",
        "a {} in a video game.",
        "art of the {}.",
        "a photo of the small {}.",
    ),
}


def prompt_templates(prompts):
    """The templates that a configuration asks for.

    Args:
        prompts: a name of `PROMPTS`, or templates, each with a `{}`.

    Returns:
        A tuple of strings, each with a `{}` where the text goes.

    Raises:
        InputError: unknown name, no template, or a template without `{}`.
    """
    if isinstance(prompts, str):
        if prompts not in PROMPTS:
            near = difflib.get_close_matches(prompts, PROMPTS, 1, cutoff=0)[0]
            raise InputError(
                f"There are no prompts {prompts!r}; the names are "
                f"{', '.join(sorted(PROMPTS))}: did you mean {near!r}?"
            )
        return PROMPTS[prompts]
    for template in prompts:
        if "{}" not in template:
            raise InputError(
                f"The prompt template {template!r} has no '{{}}'; put '{{}}' "
                "where the text goes."
            )
    if not len(prompts):
        raise InputError(
            "The list of prompt templates is empty; give at least one, such "
            "as '{}'."
        )
    return tuple(prompts)


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
