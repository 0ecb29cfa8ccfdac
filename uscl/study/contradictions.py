"""Faults that no single setting shows: names that nothing defines, and settings that contradict each other."""

import itertools
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from uscl.base.redaction import ADDRESS, has_credentials
from uscl.base.text import nearest
from uscl.data.readers import reader_names, reader_of_simulated, readers_with_masks
from uscl.evaluate.regimes import REGIMES
from uscl.pretrain.methods import methods
from uscl.pretrain.own_method import file_of, is_file
from uscl.study import given_arms
from uscl.study.arm_inputs import input_faults
from uscl.study.data_roots import data_root
from uscl.study.schema import (
    NO_ROOT,
    Classification,
    DataSet,
    Level,
    OwnSet,
    Primary,
    Segmentation,
    SimulatedSet,
    StudySettings,
)

SHORTEST_POOL_VIDEO = 8  # frames; a shorter video has no space for the events that the simulator plants
STORES = ("https://", "http://", "sqlite:///")
STORES_NEEDED = f"must begin with {', '.join(STORES[:-1])} or {STORES[-1]}"
MIRRORS = ("https://", "http://", "file://")
WITHOUT_CREDENTIALS = {
    "tracking_uri": "put them into the environment as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or"
    " MLFLOW_TRACKING_TOKEN",
    "data_mirror": "put them into ~/.netrc (machine HOST login USER password PASSWORD), which downloads read",
}


def contradiction(study: StudySettings) -> str | None:
    """One sentence about settings that contradict each other or name something undefined; None if there are none."""
    checks: tuple[Callable[[StudySettings], Iterator[str]], ...] = (
        readers,
        data_roots,
        undefined_datasets,
        names_that_differ_in_case,
        names_that_repeat,
        own_results,
        credentials,
        addresses,
        groups,
        masks,
        labels,
        prepared,
        given_splits,
        external_sets,
        structures,
        comparisons,
        primary,
        authors_protocol,
        label_fractions,
        pool_of_a_task,
        simulated_sets,
        precision,
        own_methods,
        input_faults,
        given_arms.faults,
        comparisons_of_given_arms,
    )
    return next((fault for check in checks for fault in check(study)), None)


def reader_of(dataset: DataSet) -> str:
    """The reader of a data set: a public set's, or that of a kind of own data."""
    return dataset.kind if isinstance(dataset, OwnSet) else dataset.reader


def readers(study: StudySettings) -> Iterator[str]:
    """A reader that does not exist."""
    for name, dataset in study.datasets.items():
        own = isinstance(dataset, OwnSet)
        key, known = "kind" if own else "reader", reader_names(own_data=own)
        if reader_of(dataset) not in known:
            hint = nearest(reader_of(dataset), known)
            yield f"datasets.{name}.{key}: '{reader_of(dataset)}' is not one of {', '.join(known)}{hint}"


def data_roots(study: StudySettings) -> Iterator[str]:
    """A real set without a folder."""
    for name, dataset in study.datasets.items():
        if not isinstance(dataset, SimulatedSet) and data_root(study, name) is None:
            yield f"datasets.{name} {NO_ROOT}."


def undefined_datasets(study: StudySettings) -> Iterator[str]:
    """A data set that a pool or a task names and nothing defines."""
    named = [("pool", study.pool), *((f"tasks.{name}.dataset", task.dataset) for name, task in study.tasks.items())]
    named += [(f"tasks.{name}.external", one) for name, task in study.tasks.items() for one in task.external_sets]
    for key, dataset in named:
        if dataset not in study.datasets:
            yield f"{key} names '{dataset}', but `datasets` has only {', '.join(study.datasets)}."


def names_that_differ_in_case(study: StudySettings) -> Iterator[str]:
    """Two names that differ only in case: they would be one folder on disks of macOS and Windows."""
    for key in ("datasets", "tasks", "methods"):
        seen: dict[str, str] = {}
        for name in getattr(study, key):
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                yield f"{key}: '{other}' and '{name}' differ only in case, which many disks ignore: rename one."


def names_that_repeat(study: StudySettings) -> Iterator[str]:
    """A name that ends in 20 times the same, which Snakemake takes for rules that ask for themselves without end."""
    for key, names in (("methods", study.methods), ("tasks", study.tasks), ("datasets", study.datasets)):
        for name in names:
            if re.search(r"(.+?)\1{19}$", name):
                yield f"{key}: '{name}' repeats itself 20 times or more: take another name."


def own_results(study: StudySettings) -> Iterator[str]:
    """Results in the working folder itself, and a task whose runs MLflow would mix with those of the encoders."""
    if study.results in (".", "./", "null"):
        yield f"results must name a folder of its own, without {{}} and <>, not '{study.results}'."
    for name, what in (("pretrain", "the encoders' runs"), ("summary", "the cells of the table")):
        if name in study.tasks:
            yield f"'{name}' can't be a name in tasks: MLflow lists {what} under it."


def credentials(study: StudySettings) -> Iterator[str]:
    """An address with a user, a password or a token, in any setting; the message does not repeat it."""
    for key, text in texts(study.given()):
        if has_credentials(text):
            advice = WITHOUT_CREDENTIALS.get(key, "remove it")
            yield f"{key} holds a user, password or token, which would end up in records: {advice}."


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in the settings, with its key.

    >>> list(texts({"a": {"b": ["x", 1]}}))
    [('a.b.0', 'x')]
    """
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(part, f"{key}.{name}" if key else str(name))


def addresses(study: StudySettings) -> Iterator[str]:
    """An address of a kind that can't be used."""
    mirror = study.data_mirror
    if study.tracking_uri and not study.tracking_uri.startswith(STORES):
        yield f"tracking_uri {STORES_NEEDED}."
    if mirror and not mirror.startswith(MIRRORS):
        yield f"data_mirror must begin with {' or '.join(MIRRORS)}, not '{mirror}'."


def environment_fault(study: StudySettings) -> str | None:
    """Why runs can't be logged to the store that the environment names; None if they can, or if it names none.

    Unlike the config, the environment may hold a password: nothing records it.
    """
    address = os.environ.get(ADDRESS)
    if not address or study.tracking == "none" or study.tracking_uri or address.startswith(STORES):
        return None
    return f"{ADDRESS} in the environment {STORES_NEEDED}, not '{address}': correct it or unset it."


def groups(study: StudySettings) -> Iterator[str]:
    """A pattern of patients or groups that is not a regular expression, or both patterns for one set."""
    for name, dataset in study.datasets.items():
        if not isinstance(dataset, OwnSet):
            continue
        if dataset.patient and dataset.group:
            yield f"datasets.{name} has `patient` and `group`: remove one of them."
        for key, pattern in (("patient", dataset.patient), ("group", dataset.group)):
            try:
                re.compile(pattern or "")
            except re.error as error:
                yield f"datasets.{name}.{key} is not a regular expression: {error}."


def masks(study: StudySettings) -> Iterator[str]:
    """A segmentation task on a data set without masks."""
    for name, task in study.tasks.items():
        dataset = study.datasets[task.dataset]
        if task.kind != "segmentation" or isinstance(dataset, SimulatedSet):
            continue
        if reader_of(dataset) not in readers_with_masks():
            yield (
                f"tasks.{name}.kind is segmentation, but datasets.{task.dataset} is {reader_of(dataset)}, which has no"
                f" masks: take one of {', '.join(readers_with_masks())}."
            )


def labels(study: StudySettings) -> Iterator[str]:
    """Labels of masks for a data set without masks."""
    for name, dataset in study.datasets.items():
        if isinstance(dataset, OwnSet) and dataset.labels and dataset.kind not in readers_with_masks():
            yield f"datasets.{name} has `labels` of masks, but {dataset.kind} reads no masks: remove it."


def prepared(study: StudySettings) -> Iterator[str]:
    """Settings that a set prepared by UltraBench does not take, and its own for another set."""
    for name, dataset in study.datasets.items():
        if not isinstance(dataset, OwnSet):
            continue
        own = [key for key in ("mask", "partial") if getattr(dataset, key)]
        if dataset.kind != "ultrabench" and own:
            yield f"datasets.{name} has `{own[0]}`, which is for kind ultrabench, not for {dataset.kind}: remove it."
        others = [key for key in ("patient", "group", "table") if getattr(dataset, key)]
        if dataset.kind == "ultrabench" and others:
            yield f"datasets.{name} has `{others[0]}`, but UltraBench's records name groups and labels: remove it."


def given_splits(study: StudySettings) -> Iterator[str]:
    """A given split of a data set that has none, or two of one data set."""
    splits: dict[str, str] = {}
    for name, task in study.tasks.items():
        if task.splits is None:
            continue
        dataset, where = study.datasets[task.dataset], f"tasks.{name}.splits"
        own = isinstance(dataset, OwnSet) and dataset.kind != "ultrabench"
        if isinstance(dataset, SimulatedSet):
            yield f"{where}: datasets.{task.dataset} is simulated and has no given split: remove it."
        elif not own and task.splits.given != "part":
            what = "UltraBench" if isinstance(dataset, OwnSet) else "a public set"
            yield f"{where}.given must be `part` for {what}, not '{task.splits.given}'."
        elif isinstance(dataset, OwnSet) and own and task.splits.given != "folder" and not has_table(dataset):
            yield (
                f"{where}.given names the column '{task.splits.given}', but datasets.{task.dataset} has no `table`:"
                " add it, or set `given: folder`."
            )
        other = splits.setdefault(task.dataset, name)
        if study.tasks[other].splits != task.splits:
            yield f"{where} differs from tasks.{other}.splits, but both are on {task.dataset}: give both the same."


def external_sets(study: StudySettings) -> Iterator[str]:
    """An external set that the models may have seen, that is named twice, or that does not fit the kind of task."""
    for name, task in study.tasks.items():
        where = f"tasks.{name}.external"
        if len(task.external_sets) < len(task.external):
            yield f"{where} names a data set twice: name it once."
        for one in task.external_sets.values():
            if one.dataset == task.dataset or same_files(study, one.dataset, task.dataset):
                yield f"{where} names {one.dataset}, the data of the task itself: name another set, or remove it."
            if one.classes and task.kind == "segmentation":
                yield f"{where}: `classes` is for classification, and the task is a segmentation: remove it."
            if task.kind == "segmentation" and reader_of(study.datasets[one.dataset]) not in readers_with_masks():
                yield f"{where} names {one.dataset}, which has no masks: take one with masks, or remove it."


def same_files(study: StudySettings, first: str, second: str) -> bool:
    """Whether two data sets are the same files."""
    one, other = study.datasets[first], study.datasets[second]
    if isinstance(one, SimulatedSet) or isinstance(other, SimulatedSet):
        return False
    return (reader_of(one), data_root(study, first)) == (reader_of(other), data_root(study, second))


def has_table(dataset: OwnSet) -> bool:
    """Whether a set has a table; image_csv always has one."""
    return bool(dataset.table) or dataset.kind == "image_csv"


def structures(study: StudySettings) -> Iterator[str]:
    """Several structures in a data set whose masks show one, or of a label that its reader leaves out."""
    for name, task in study.tasks.items():
        if not isinstance(task, Segmentation) or not task.structures:
            continue
        if task.external:
            yield f"tasks.{name} has several `structures` and `external`, which is for one structure: remove either."
        dataset = study.datasets[task.dataset]
        if not isinstance(dataset, OwnSet):
            yield (
                f"tasks.{name} has several `structures`, but the masks of datasets.{task.dataset}"
                f" ({reader_of(dataset)}) show one: remove `structures`."
            )
            continue
        for structure, label in task.structures.items():
            if dataset.labels and label not in dataset.labels:
                yield (
                    f"tasks.{name}.structures has {structure} (label {label}), but datasets.{task.dataset}.labels keeps"
                    f" only {', '.join(map(str, dataset.labels))}: add it there."
                )


def comparisons(study: StudySettings) -> Iterator[str]:
    """An arm to compare that the study does not have."""
    named: dict[str, list[str | None]] = {"reference": [study.reference], "comparisons": []}
    named["comparisons"] += [arm for pair in study.comparisons for arm in pair]
    for key, arms in named.items():
        for arm in arms:
            if arm is not None and arm not in study.methods:
                yield f"{key} names '{arm}', but `methods` has only {', '.join(study.methods)}."


def primary(study: StudySettings) -> Iterator[str]:
    """A primary comparison of something that the study does not have, or in a metric without a method test."""
    for number, each in enumerate(study.primary):
        where = f"primary.{number}"
        for key, arm in (("arm", each.arm), ("reference", each.reference)):
            if arm not in study.methods:
                hint = nearest(arm, study.methods)
                yield f"{where}.{key} names '{arm}', but `methods` has only {', '.join(study.methods)}{hint}"
        if each.arm == each.reference:
            yield f"{where} compares '{each.arm}' with itself: name another reference."
        for name in each.named_tasks:
            yield from of_primary(study, each, where, name)
        for other in study.primary[:number]:
            if each.tasks and each.tasks == other.tasks and each.margin != other.margin:
                yield f"{where}.margin differs from that of an earlier comparison of these tasks: give both the same."


def of_primary(study: StudySettings, each: Primary, where: str, name: str) -> Iterator[str]:
    """A primary comparison on a task that the study does not have, or that lacks what is compared."""
    task = study.tasks.get(name)
    if task is None:
        key = "tasks" if each.tasks else "task"
        yield f"{where}.{key} names '{name}', but `tasks` has only {', '.join(study.tasks)}{nearest(name, study.tasks)}"
    elif each.regime not in task.regimes:
        yield f"{where}.regime is {each.regime}, but tasks.{name}.regimes has only {', '.join(task.regimes)}."
    elif each.external and each.external not in task.external_sets:
        named = ", ".join(task.external_sets) or "none"
        yield f"{where}.external names '{each.external}', but the external sets of tasks.{name} are: {named}."
    elif fault := unsuitable_level(each.level, name, task):
        yield f"{where}.level {fault}"
    elif fault := unsuitable_metric(each.metric, name, task):
        yield f"{where}.metric: {fault}"


def unsuitable_level(level: str | None, name: str, task: Classification | Segmentation) -> str | None:
    """Why a primary comparison on a task can't have a level; None if it can."""
    if level is None or level in (named := named_levels(task) or ["frame"]):
        return None
    if isinstance(task, Segmentation):
        return f"is {level}, but tasks.{name} is a segmentation, which is scored image by image: remove it."
    return f"is {level}, but tasks.{name} is scored by {', '.join(named)}: add {level} to tasks.{name}.levels."


def named_levels(task: Classification | Segmentation) -> list[Level] | None:
    """The levels that a task names; None without any."""
    return task.levels if isinstance(task, Classification) else None


def unsuitable_metric(name: str, task_name: str, task: Classification | Segmentation) -> str | None:
    """Why a metric can't be that of a primary comparison on a task; None if it can."""
    from uscl.metrics.registry import (  # late: it imports NumPy, which most plans don't need
        METRICS,
        metric_named,
        part_of,
    )

    kind = task.kind
    known = [metric.name + "_CLASS" * metric.by_class for metric in METRICS if metric.kind == kind and metric.smooth]
    try:
        metric = metric_named(name)
    except ValueError:
        return f"'{name}' is not one of {', '.join(known)}{nearest(name, known)}"
    if metric.kind != kind:
        return f"'{name}' is for {metric.kind}, and the task's kind is {kind}: take one of {', '.join(known)}."
    if not metric.smooth:
        return f"'{name}' has no method test, because it is not smooth: take one of {', '.join(known)}."
    if isinstance(task, Segmentation):
        if metric.needs == "tolerance" and task.surface_tolerance is None:
            return f"'{name}' needs tasks.{task_name}.surface_tolerance: give it, or take another metric."
        part, structures = part_of(name), list(task.structures or {})
        if part and not structures:
            return f"'{name}' is of a structure {part}, and tasks.{task_name} has no `structures`: name {metric.name}."
        if part and part not in structures:
            return f"'{name}' is of no structure of tasks.{task_name}, which has {', '.join(structures)}."
    return None


def authors_protocol(study: StudySettings) -> Iterator[str]:
    """A task for the authors' protocol that doesn't exist, or that is no classification."""
    for name in study.authors_protocol:
        if name not in study.tasks:
            hint = nearest(name, study.tasks)
            yield f"authors_protocol names '{name}', but `tasks` has only {', '.join(study.tasks)}{hint}"
        elif (kind := study.tasks[name].kind) != "classification":
            yield f"authors_protocol names '{name}', whose kind is {kind}: it is for classification, so remove it."


def label_fractions(study: StudySettings) -> Iterator[str]:
    """A regime of label fractions that no task can have, or that lacks its budget."""
    if study.label_fractions is None:
        return
    regime = REGIMES[study.label_fractions.regime]
    tasks = {name: task for name, task in study.tasks.items() if task.kind in regime.kinds}
    if not tasks:
        yield f"label_fractions.regime: {regime.name} is for {' and '.join(regime.kinds)}, and no task is of that kind."
    for name, task in tasks.items():
        if regime.trains and task.finetune is None:
            yield f"tasks.{name}: 'finetune' is missing, and label_fractions.regime {regime.name} needs it."


def pool_of_a_task(study: StudySettings) -> Iterator[str]:
    """Pretraining on the data of a task: the pool must not contain any part of a test fold."""
    if not any(methods()[arm.method].uses_pool for arm in study.methods.values()):
        return
    for name, task in study.tasks.items():
        if task.dataset == study.pool or same_files(study, study.pool, task.dataset):
            yield f"pool and tasks.{name}.dataset are the same data: its test folds would be pretrained on."
        for dataset in task.external_sets:
            if dataset == study.pool or same_files(study, study.pool, dataset):
                yield f"pool and tasks.{name}.external are the same data: {dataset} would be pretrained on."


def simulated_sets(study: StudySettings) -> Iterator[str]:
    """A simulated set that doesn't fit its reader, that can't be simulated, or that lacks the masks for its task."""
    segmented = {task.dataset for task in study.tasks.values() if task.kind == "segmentation"}
    for name, dataset in study.datasets.items():
        if not isinstance(dataset, SimulatedSet):
            continue
        kind, frames = dataset.simulate.kind, dataset.simulate.frames or SHORTEST_POOL_VIDEO
        if dataset.reader != reader_of_simulated(kind):
            yield f"datasets.{name}: a simulated set of kind {kind} takes reader '{reader_of_simulated(kind)}'."
        if kind == "pool" and frames < SHORTEST_POOL_VIDEO:
            yield f"datasets.{name}.simulate.frames must be {SHORTEST_POOL_VIDEO} or more for a pool."
        if kind != "breast" and name in segmented:
            yield f"datasets.{name} has no masks to segment: among the simulated sets, only kind breast has masks."


def own_methods(study: StudySettings) -> Iterator[str]:
    """Two files of the user's with one name, which tables could not tell apart."""
    files = dict.fromkeys(arm.method for arm in study.methods.values() if is_file(arm.method))
    for first, second in itertools.combinations(files, 2):
        if methods()[first].name == methods()[second].name and file_of(first) != file_of(second):
            yield f"methods: {first} and {second} have the same name, {methods()[first].name}: rename one of the files."


def precision(study: StudySettings) -> Iterator[str]:
    """Reduced precision with a learned weight net, whose gradient is a small difference of large numbers."""
    if study.precision == "32-true":
        return
    for name, arm in study.methods.items():
        if methods()[arm.method].needs_meta_share(arm):
            yield (
                f"precision: {study.precision} with methods.{name}, which learns weights: rounding spoils the gradient"
                " from which the weight net learns (benchmarks/README.md). Set precision: 32-true, or remove that arm."
            )


def comparisons_of_given_arms(study: StudySettings) -> Iterator[str]:
    """A primary comparison in an evaluation that an arm from files takes no part in."""
    for number, each in enumerate(study.primary):
        for arm in (each.arm, each.reference):
            if each.external and methods()[study.methods[arm].method].gives != "encoder":
                yield f"primary.{number}.external: {arm} comes from a file, so it has no models to test: remove it."
        for arm, task in itertools.product((each.arm, each.reference), each.named_tasks):
            if reason := given_arms.why_absent(study, arm, task, each.regime):
                yield f"primary.{number} names {arm}, which is not evaluated on {task} ({each.regime}): {reason}."
