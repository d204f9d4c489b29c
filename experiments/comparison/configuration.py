"""Options of the runs that differ."""

from experiments.run.workdir import flatten

# What an option is in a run that does not have it.
ABSENT = "—"


def differing_options(runs):
    """Returns the options, and versions of packages, that differ.

    Args:
        runs: List of `Run`.

    Returns:
        Dict name -> list of a value for each run, as text.
    """
    settings = [
        run.settings
        | flatten(run.results.get("run", {}).get("versions", {}), "versions.")
        for run in runs
    ]
    names = sorted({name for found in settings for name in found})
    table = {
        name: [_text(found.get(name, ABSENT)) for found in settings]
        for name in names
    }
    return {name: row for name, row in table.items() if len(set(row)) > 1}


def _text(value):
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "none"
