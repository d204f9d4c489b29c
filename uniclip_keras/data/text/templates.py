"""Prompt templates: sentences that class names are put into."""

from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

PROMPTS = {
    "plain": ("{}",),
    # The seven templates that the authors of CLIP found to work best together.
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
    """Looks up a key of `PROMPTS`, or checks a sequence of templates.

    Returns:
        A tuple of strings, each with one `{}` where the class name goes.

    Raises:
        InputError: If the name is unknown, there is no template, or a
            template does not have exactly one `{}`.
    """
    if isinstance(prompts, str):
        if prompts not in PROMPTS:
            raise InputError(
                f"There are no prompts {prompts!r}{suggest(prompts, PROMPTS)}; "
                "or give a list such as ['{}', 'a photo of a {}']."
            )
        return PROMPTS[prompts]
    if not len(prompts):
        raise InputError("The list of prompt templates is empty: add '{}'.")
    for template in prompts:
        if not isinstance(template, str) or template.count("{}") != 1:
            raise InputError(
                f"The prompt template {template!r} does not have exactly one "
                "'{}': put one where the class name goes."
            )
    return tuple(prompts)
