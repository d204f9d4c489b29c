"""Fields that samples lack, and what to say about it."""

from uniclip_keras.data import bad_samples as bad

# What a column is called in the options, and the kind of a sample without it.
OPTIONS = {
    "image": "image_field",
    "text": "caption_field",
    "id": "id_field",
    "label": "label_field",
}
MISSING = {
    "image": bad.MISSING_IMAGE,
    "text": bad.MISSING_TEXT,
    "id": bad.MISSING_ID,
    "label": bad.MISSING_LABEL,
}


def explain_missing(kind, unit, fields, there):
    """What to do about samples that all lack a field.

    Args:
        kind: The kind of bad sample.
        unit: Path of the file that they are in.
        fields: `{column: names}`, where the format looks for each column.
        there: Names of the fields that the samples have.

    Returns:
        A sentence, or None where the kind is another one.
    """
    for column, names in fields.items():
        if kind == MISSING.get(column) and names:
            looked_for = " or ".join(f"'{name}'" for name in names)
            return (
                f"The samples of '{unit}' have no usable field {looked_for} "
                f"({OPTIONS[column]}): their fields are "
                f"{', '.join(sorted(there)) or 'none at all'}; name one of "
                f"them as {OPTIONS[column]}."
            )
    return None
