"""Compares evaluated runs: values, paired differences, curves, a map.

    python -m experiments.compare runs/a runs/b [...] [--output=compare.html]

Prints a table and writes a page. The first workdir is the baseline that the
others are compared with, item by item. Runs that differ in their seed only
count as one method. `--map_run=runs/b --map_task=style` choose what the map of
the shared space shows. `--names='red|blue'` counts only the items whose names
match, by a regular expression. `--picture=FILE` draws the differences as a
PNG. `--keep=FOLDER` writes what a comparison needs of the runs there, in little
space: the folders it makes can be published, and compared as the workdirs can.
"""

from absl import flags

from experiments.comparison.configuration import differing_options
from experiments.comparison.curves import compare_curves
from experiments.comparison.keeping import keep
from experiments.comparison.runs import group_methods
from experiments.comparison.runs import normal_path
from experiments.comparison.runs import read_runs
from experiments.comparison.space import make_map
from experiments.comparison.tasks import compare as compare_tasks
from experiments.report.comparison_table import format_comparison
from experiments.report.differences_chart import write_differences
from experiments.report.page import write_page
from experiments.run.command import run
from uniclip_keras.errors import InputError

_OUTPUT = flags.DEFINE_string("output", "compare.html", "The page to write.")
_MAP_RUN = flags.DEFINE_string(
    "map_run", None, "Workdir that the map shows; the first by default."
)
_MAP_TASK = flags.DEFINE_string(
    "map_task", None, "Task that the map shows; the first by default."
)
_NAMES = flags.DEFINE_string(
    "names", None, "Count only items whose names match, as in 'red|blue'."
)
_PICTURE = flags.DEFINE_string("picture", None, "PNG of the differences.")
_KEEP = flags.DEFINE_string(
    "keep", None, "Folder for what comparisons need of the runs."
)


def main(argv):
    output = _OUTPUT.value
    if _KEEP.value:
        keep(read_runs(argv[1:]), _KEEP.value)
        print(f"kept: {_KEEP.value}")
    table = compare(
        argv[1:],
        output,
        _MAP_RUN.value,
        _MAP_TASK.value,
        _NAMES.value,
        _PICTURE.value,
    )
    print(table)
    print(f"page: {output}")
    if _PICTURE.value:
        print(f"picture: {_PICTURE.value}")


def compare(
    workdirs, output, map_run=None, map_task=None, names=None, picture=None
):
    """Compares evaluated workdirs, and writes a page.

    Args:
        workdirs: List of paths. The first is the baseline.
        output: Path of the page.
        map_run: str. Which of the workdirs the map shows.
        map_task: str. Task that it shows.
        names: str. Regular expression of the names that count, or None.
        picture: Path of a PNG of the differences, or None.

    Returns:
        The table, as text.

    Raises:
        InputError: If something cannot be read or compared.
    """
    runs = read_runs(workdirs)
    shown = normal_path(map_run or workdirs[0])
    if shown not in [run.workdir for run in runs]:
        raise InputError(
            f"--map_run={map_run} is none of the workdirs; choose from "
            f"{', '.join(run.workdir for run in runs)}."
        )
    methods = group_methods(runs)
    tasks = compare_tasks(methods, names)
    if picture:
        write_differences(picture, tasks, methods[0].label)
    (mapped,) = (run for run in runs if run.workdir == shown)
    write_page(
        output,
        "comparison.html",
        methods=methods,
        runs=runs,
        tasks=tasks,
        options=differing_options(runs),
        curves=compare_curves(methods),
        space=make_map(mapped, map_task),
    )
    return format_comparison(tasks)


if __name__ == "__main__":
    run(main, arguments=True)
