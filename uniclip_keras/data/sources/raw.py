"""Raw samples: the fields that formats read, not yet interpreted.

A raw sample is a dict of bytes by column: `key`, `image`, `text` (captions,
one per line), `id`, `label`, `group`; columns that were not read are left out.
A bad one has a `problem`, a kind of bad sample.
"""

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.texts import BadSampleError
from uniclip_keras.data.sources.texts import join_lines

# The kind of a sample that lacks the field of a column.
MISSING = {
    "image": bad.MISSING_IMAGE,
    "text": bad.MISSING_TEXT,
    "id": bad.MISSING_ID,
    "label": bad.MISSING_LABEL,
    "group": bad.MISSING_GROUP,
}


def encode_value(value, column):
    """Returns the bytes of a value from JSON or from a row of a table.

    Raises:
        BadSampleError: The value is missing (None or NaN), or has a type that
            the column does not allow. Only captions may be a list.
    """
    is_text = column == "text"
    if is_text and isinstance(value, list):
        value = join_lines(value)
    elif is_text and isinstance(value, str):
        # A caption may be wrapped; its lines are one caption.
        value = value.replace("\n", " ")
    elif isinstance(value, float) and value.is_integer():
        # Columns of whole numbers with empty cells are floats.
        value = int(value)
    # NaN differs from itself.
    if value is None or value != value:
        raise BadSampleError(MISSING[column])
    allowed = str if column == "image" else str | int
    if isinstance(value, bool) or not isinstance(value, allowed):
        kind = bad.UNREADABLE_TEXT if is_text else MISSING[column]
        raise BadSampleError(kind)
    try:
        return str(value).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise BadSampleError(bad.UNREADABLE_TEXT) from None
