"""A study, from its settings: arms, cells, evaluations, comparisons, paths. The only place that derives them.

Light: every `snakemake` call and every job that it starts reads this.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from uscl.base.gpus import gpus_of_call
from uscl.data.few_labels import ALL_LABELS, Labels, of_draw
from uscl.data.sources.registry import read_registry
from uscl.data.units import listed
from uscl.evaluate.regimes import REGIMES, fit_of
from uscl.models.hub_file import on_hub
from uscl.models.library_names import is_sized
from uscl.pretrain.engine.initial import INITS
from uscl.pretrain.method import Method
from uscl.pretrain.methods import methods
from uscl.study import given_arms
from uscl.study.arm_inputs import OWN_INPUT, input_remarks
from uscl.study.data_sets import DataSets
from uscl.study.schema import Classification, Primary, Segmentation, SimulatedSet, StudySettings
from uscl.study.validation import validated


def mean_of(tasks: list[str]) -> str:
    """What the mean over tasks is called in tables.

    >>> mean_of(["pocus", "busi"])
    'mean of pocus and busi'
    """
    return f"mean of {listed(tasks)}"


class Evaluation(NamedTuple):
    """A task in a regime, with a part of the training groups' labels; all arms and seeds are compared in it."""

    task: str
    regime: str
    labels: Labels

    @property
    def name(self) -> str:
        """The evaluation as one name, for files."""
        return f"{self.task}-{self.regime}-labels{self.labels}"


class ExternalTest(NamedTuple):
    """An evaluation whose models are tested on an external set."""

    evaluation: Evaluation
    dataset: str

    @property
    def task(self) -> str:
        """What the task is called in tables, on this set."""
        return on_external(self.evaluation.task, self.dataset)


def on_external(task: str, dataset: str) -> str:
    """What a task on an external set is called in tables.

    >>> on_external("busi", "udiat_b")
    'busi on udiat_b'
    """
    return f"{task} on {dataset}"


class Study:
    """Everything that follows from a study's settings. `root` is the folder of the project."""

    def __init__(self, settings: StudySettings, registry: Mapping[str, Any], root: Path) -> None:
        self.settings = settings
        self.root = root
        self.results = os.path.normpath(os.path.expanduser(settings.results))
        self.seeds = settings.seeds
        self.data = DataSets(settings, registry, self.results)

    @classmethod
    def from_config(cls, config: dict[str, Any], root: Path) -> Study:
        """The study of a file's content. Raises UserError with one sentence on the first fault."""
        settings = validated(config)
        return cls(settings, read_registry(root / "config/datasets.yaml"), root)

    @functools.cached_property
    def devices(self) -> int:
        """How many GPUs or processes share a pretraining batch. `auto` counts the GPUs where the call runs."""
        if self.settings.devices != "auto":
            return self.settings.devices
        return max(1, gpus_of_call()) if self.settings.device == "cuda" else 1

    # Arms

    @functools.cached_property
    def arms(self) -> list[str]:
        """All arms, in the order of the file."""
        return list(self.settings.methods)

    def method(self, arm: str) -> Method:
        """The method of an arm."""
        return methods()[self.settings.methods[arm].method]

    @functools.cached_property
    def encoded(self) -> list[str]:
        """The arms that have an encoder."""
        return [arm for arm in self.arms if self.method(arm).encodes]

    @functools.cached_property
    def with_features(self) -> list[str]:
        """The arms that have frozen features: of their encoder, or from a file."""
        return [arm for arm in self.arms if self.method(arm).gives != "predictions"]

    def giving(self, what: str) -> list[str]:
        """The arms whose features, or whose predictions, come from files."""
        return [arm for arm in self.arms if self.method(arm).gives == what and not self.method(arm).encodes]

    @functools.cached_property
    def from_pool(self) -> list[str]:
        """The arms whose encoders are made with the pool."""
        return [arm for arm in self.arms if self.method(arm).uses_pool]

    @functools.cached_property
    def pretrained(self) -> list[str]:
        """The arms that are trained on the pool."""
        return [arm for arm in self.arms if self.method(arm).trains]

    @functools.cached_property
    def published(self) -> list[str]:
        """The arms whose encoders see no frame of the pool."""
        return [arm for arm in self.encoded if not self.method(arm).uses_pool]

    def init(self, arm: str) -> str:
        """What an arm starts from: `random`, `imagenet`, or the path of an encoder file."""
        return str(getattr(self.settings.methods[arm], "init", self.method(arm).name))

    def architecture(self, arm: str) -> str:
        """The architecture of an arm's encoder."""
        return str(self.settings.methods[arm].encoder or self.settings.encoder)

    @functools.cached_property
    def architectures(self) -> list[str]:
        """The architectures of all arms with an encoder, each once."""
        return list(dict.fromkeys(map(self.architecture, self.encoded)))

    def input_size(self, arm: str) -> int | None:
        """The size to which the stored frames are resized for an arm's encoder; None if they are taken as they are."""
        size: int | None = self.settings.methods[arm].input_size
        return size or (self.settings.frame_size if is_sized(self.architecture(arm)) else None)

    def own_input(self, arm: str) -> dict[str, Any]:
        """The input size and the input statistics of an arm, as far as it has its own."""
        return {key: value for key, value in self.method_settings(arm).items() if key in OWN_INPUT}

    def stream(self, arm: str) -> int:
        """The number of an arm's random stream (see `uscl.base.seeds.of_stream`)."""
        return int(self.settings.methods[arm].stream)

    def method_settings(self, arm: str) -> dict[str, Any]:
        """All settings of an arm's method with their defaults, except its name, its architecture and its start.

        Of the input, only what the arm has of its own.
        """
        given = self.settings.methods[arm].given() | {"input_size": self.input_size(arm)}
        known = {key: value for key, value in given.items() if key not in ("method", "init", "encoder")}
        return {key: value for key, value in known.items() if value is not None or key not in OWN_INPUT}

    def remarks(self, arm: str) -> tuple[str, ...]:
        """What readers of the table must know about an arm."""
        own = self.settings.methods[arm]
        of_input = input_remarks(self.settings, own) if self.method(arm).encodes else ()
        return (*self.method(arm).remarks(own), *of_input)

    @functools.cached_property
    def pool_shares(self) -> dict[str, float]:
        """The shares of the pool that are held out from every arm; the meta set only if an arm needs it."""
        meta = any(self.method(arm).needs_meta_share(self.settings.methods[arm]) for arm in self.arms)
        return self.settings.pool_parts.given() if meta else {"validation": self.settings.pool_parts.validation}

    def given_file(self, arm: str, task: str) -> str:
        """The file of an arm's features, or of its predictions on a task."""
        return given_arms.given_file(self.settings, arm, task)

    @functools.cached_property
    def given_files(self) -> list[tuple[str, str, str]]:
        """Arm, task and file of everything that arms take from files, instead of an encoder."""
        return [
            (arm, task, self.given_file(arm, task))
            for arm in self.arms
            if not self.method(arm).encodes
            for task in given_arms.tasks_of(self.settings, arm)
        ]

    def initial_weights(self, arm: str) -> list[str]:
        """The file that the settings name for the weights that an arm starts from: none or one."""
        if not self.method(arm).encodes or on_hub(self.init(arm)):
            return []
        if self.init(arm) not in INITS:
            return [os.path.expanduser(self.init(arm))]
        named = self.settings.imagenet_weights.get(self.architecture(arm))
        return [os.path.expanduser(named)] if named and self.init(arm) == "imagenet" else []

    def initial_inputs(self, arm: str) -> list[str]:
        """The input files of an arm's initial weights; an encoder of this study is given by its outcome."""
        folders = [self.encoder(other, seed) for other in self.from_pool for seed in self.seeds]
        outcomes = {os.path.abspath(f"{folder}/encoder.safetensors"): f"{folder}/outcome.json" for folder in folders}
        return [outcomes.get(os.path.abspath(file), file) for file in self.initial_weights(arm)]

    def given_weights(self, arm: str) -> list[str]:
        """The file of `initial_weights`, unless the study itself makes it, so that it may come later."""
        own = os.path.abspath(self.results) + os.sep
        return [file for file in self.initial_weights(arm) if not os.path.abspath(file).startswith(own)]

    # Data

    @functools.cached_property
    def pool(self) -> list[str]:
        """The data set that the arms are pretrained on; none if no arm needs it."""
        return [self.settings.pool] if self.from_pool else []

    @functools.cached_property
    def datasets(self) -> list[str]:
        """The data sets that the study uses, in alphabetical order."""
        tasks = self.settings.tasks.values()
        external = itertools.chain(*(task.external_sets for task in tasks))
        return sorted({*self.pool, *(task.dataset for task in tasks), *external})

    def expected_groups(self, task: str) -> int | None:
        """How many groups a task has, as far as this is known before its data are read."""
        dataset = self.settings.datasets[self.settings.tasks[task].dataset]
        if isinstance(dataset, SimulatedSet):
            return dataset.simulate.patients
        expected = self.data.expected(self.settings.tasks[task].dataset)
        return expected["groups"] if expected else None

    def tasks_on(self, dataset: str) -> list[str]:
        """The tasks that use a data set."""
        return [name for name, task in self.settings.tasks.items() if task.dataset == dataset]

    @functools.cached_property
    def given(self) -> list[str]:
        """The tasks whose split is that of the provider of the data."""
        return [name for name, task in self.settings.tasks.items() if task.splits]

    # Evaluations

    @functools.cached_property
    def evaluations(self) -> list[Evaluation]:
        """Every task in each of its regimes, with all labels."""
        return [
            Evaluation(name, regime, ALL_LABELS)
            for name, task in self.settings.tasks.items()
            for regime in task.regimes
        ]

    @functools.cached_property
    def external(self) -> list[ExternalTest]:
        """Every evaluation on each external set of its task."""
        return [
            ExternalTest(evaluation, dataset)
            for evaluation in self.evaluations
            for dataset in self.settings.tasks[evaluation.task].external_sets
        ]

    def externally_tested(self, evaluation: Evaluation) -> list[str]:
        """The arms whose models can be tested on an external set: those with an encoder."""
        return [arm for arm in self.evaluated(evaluation) if arm in self.encoded]

    @functools.cached_property
    def label_fractions(self) -> list[Evaluation]:
        """The evaluations of the optional target `label_fractions`."""
        fractions = self.settings.label_fractions
        if fractions is None:
            return []
        tasks = [name for name, task in self.settings.tasks.items() if task.kind in REGIMES[fractions.regime].kinds]
        return [Evaluation(task, fractions.regime, part) for task in tasks for part in fractions.parts]

    def draws_of_labels(self, evaluation: Evaluation) -> list[Evaluation]:
        """An evaluation with a part of the labels, once per draw of them; all labels are there once."""
        fractions = self.settings.label_fractions
        draws = 1 if fractions is None or evaluation.labels == ALL_LABELS else fractions.draws
        return [evaluation._replace(labels=of_draw(evaluation.labels, draw)) for draw in range(draws)]

    @property
    def label_cells(self) -> list[Evaluation]:
        """All draws of the evaluations of `label_fractions`."""
        return [drawn for evaluation in self.label_fractions for drawn in self.draws_of_labels(evaluation)]

    def label_intervals(self) -> list[str]:
        """The intervals of each of `label_fractions`, over draws of the labels if there are several."""
        files = {False: "intervals.csv", True: "over_draws/intervals.csv"}
        each = ((part, files[len(self.draws_of_labels(part)) > 1]) for part in self.label_fractions)
        return [file for part, name in each for file in self.statistics(part, file=name)]

    @functools.cached_property
    def with_operating_points(self) -> list[Evaluation]:
        """The evaluations whose tasks name operating points."""
        return [each for each in self.evaluations if self.operating_points(each.task)]

    def operating_points(self, task: str) -> dict[str, list[float]]:
        """The shares of specificity and sensitivity that a classification fixes; empty without."""
        settings = self.settings.tasks[task]
        points = settings.operating_points if isinstance(settings, Classification) else None
        return points.model_dump(exclude_none=True) if points else {}

    @functools.cached_property
    def probed(self) -> list[str]:
        """The tasks that frozen features can be probed on."""
        return [name for name, task in self.settings.tasks.items() if task.kind == "classification"]

    @functools.cached_property
    def probed_datasets(self) -> list[str]:
        """Their data sets, in alphabetical order."""
        return sorted({self.settings.tasks[task].dataset for task in self.probed})

    def finetune_settings(self, task: str) -> dict[str, Any]:
        """The arguments of fine-tuning on a task."""
        settings = self.settings.tasks[task]
        budget = settings.finetune.given() if settings.finetune else {}
        if settings.kind == "segmentation":
            named = {"structures": settings.structures} if settings.structures else {}
            return budget | {"decoder": settings.decoder} | named
        return budget | self.scaling(task)

    def scaling(self, task: str) -> dict[str, bool]:
        """The argument of a classification's regimes that scales probabilities; empty without."""
        settings = self.settings.tasks[task]
        scales = isinstance(settings, Classification) and settings.temperature_scaling
        return {"temperature_scaling": True} if scales else {}

    def classes(self, task: str) -> dict[str, str]:
        """The class of a task for each class of its data set that the task joins to others or names otherwise."""
        settings = self.settings.tasks[task]
        return settings.classes if isinstance(settings, Classification) else {}

    def sampling(self, task: str) -> dict[str, Any]:
        """Which stored frames of a task's videos train, and which are tested; empty for all."""
        settings = self.settings.tasks[task]
        return settings.sampling.given() if isinstance(settings, Classification) and settings.sampling else {}

    def structures(self, task: str) -> dict[str, int]:
        """The label of each of several structures that a segmentation names; none if it has one structure."""
        settings = self.settings.tasks[task]
        return (settings.structures or {}) if isinstance(settings, Segmentation) else {}

    def levels(self, task: str) -> dict[str, Any]:
        """What the settings of a task say about levels (`uscl.stats.levels.Asked`)."""
        settings = self.settings.tasks[task]
        if not isinstance(settings, Classification):
            return {}
        return {
            "levels": settings.levels,
            "rule": settings.level_rule,
            "on_mixed_labels": settings.on_mixed_labels,
        }

    def native(self, task: str) -> dict[str, Any]:
        """What scores at the size of the source pictures take (`uscl.stats.native_scores.Native.of_store`)."""
        settings = self.settings.tasks[task]
        if not isinstance(settings, Segmentation):
            return {}
        tolerance = settings.surface_tolerance.model_dump(exclude_none=True) if settings.surface_tolerance else {}
        return {"structures": self.structures(task), "tolerance": tolerance}

    def native_files(self, task: str) -> list[str]:
        """The files of a segmentation's data set that hold masks at the size of the source pictures."""
        settings = self.settings.tasks[task]
        return self.data.native_files(settings.dataset) if isinstance(settings, Segmentation) else []

    def main_level(self, task: str) -> str:
        """The level that figures and summaries show."""
        return (self.levels(task).get("levels") or ["frame"])[0]

    def fit(self, task: str, regime: str) -> str:
        """The function that evaluates on a task in a regime, as `module:function`."""
        return fit_of(regime, self.settings.tasks[task].kind)

    def keeps_models(self, seed: int) -> bool:
        """Whether the models of a training's cells are kept; those that are tested on an external set always are."""
        kept = {"all": self.seeds, "first": self.seeds[:1], "none": []}
        return seed in kept[self.settings.keep_models]

    def trains(self, regime: str) -> bool:
        """Whether a regime trains the encoder, instead of reading its frozen features."""
        return REGIMES[regime].trains

    @functools.cached_property
    def regime_titles(self) -> dict[str, str]:
        """What readers call the regimes of the study."""
        return {evaluation.regime: REGIMES[evaluation.regime].title for evaluation in self.evaluations}

    @functools.cached_property
    def simulated(self) -> bool:
        """Whether the data of any task are simulated."""
        return any(self.data.simulated(task.dataset) for task in self.settings.tasks.values())

    def evaluated(self, evaluation: Evaluation) -> list[str]:
        """The arms that take part in an evaluation, in the order of the file."""
        return [arm for arm in self.arms if given_arms.why_absent(self.settings, arm, *evaluation) is None]

    def missing_evaluations(self) -> list[tuple[str | None, str, str, str]]:
        """Arm, task, regime and reason of what the tables can't show.

        Without an arm: regimes that only other tasks of the study have. With one: evaluations that its file is not for.
        """
        known = list(dict.fromkeys(evaluation.regime for evaluation in self.evaluations))
        of_all = [
            (None, name, regime, self._why_missing(task.kind, name, regime))
            for name, task in self.settings.tasks.items()
            for regime in known
            if regime not in task.regimes
        ]
        of_arms = [
            (arm, task, regime, reason)
            for task, regime, _ in self.evaluations
            for arm in self.arms
            if (reason := given_arms.why_absent(self.settings, arm, task, regime))
        ]
        return [*of_all, *of_arms]

    def _why_missing(self, kind: str, task: str, regime: str) -> str:
        return f"not among tasks.{task}.regimes" if kind in REGIMES[regime].kinds else f"{kind} has no such probe"

    # Comparisons

    @functools.cached_property
    def reference(self) -> str:
        """The arm that all others are compared with."""
        return self.settings.reference or ("imagenet" if "imagenet" in self.arms else self.arms[0])

    @functools.cached_property
    def comparisons(self) -> list[list[str]]:
        """Pairs [arm, against]: each arm with the reference and with its start, and those that the settings name."""
        pairs = [[arm, self.reference] for arm in self.arms if arm != self.reference]
        pairs += [[arm, start] for arm in self.pretrained if (start := self.start(arm))]
        pairs += [*self.settings.comparisons, *([each.arm, each.reference] for each in self.settings.primary)]
        return [list(pair) for pair in dict.fromkeys(map(tuple, pairs))]

    def start(self, arm: str) -> str | None:
        """The arm that has the weights that a pretrained arm starts from, with statistics of the pool; None without.

        If several arms qualify, the first with the same random stream and the same number of passes is taken.
        """
        own = self.settings.methods[arm]
        starts = [
            other
            for other in self.arms
            if self.method(other).uses_pool
            and not self.method(other).trains
            and self.init(other) == self.init(arm)
            and self._input(other) == self._input(arm)
        ]

        def differs(other: str) -> list[bool]:
            settings = self.settings.methods[other]
            return [settings.stream != own.stream, settings.epochs != own.epochs]

        return min(starts, key=differs, default=None)

    def _input(self, arm: str) -> tuple[Any, ...]:
        own = self.settings.methods[arm]
        return self.architecture(arm), self.input_size(arm), own.mean, own.std

    @functools.cached_property
    def primary(self) -> list[dict[str, Any]]:
        """The primary comparisons; one of several tasks also has their names and levels."""
        return [self._placed(each) for each in self.settings.primary]

    def _placed(self, each: Primary) -> dict[str, Any]:
        known = {
            key: value for key, value in each.given().items() if key not in ("task", "tasks", "margin", "external")
        }
        levels = [self.main_level(task) for task in each.named_tasks]
        if each.tasks is None:
            task = on_external(str(each.task), each.external) if each.external else each.task
            return known | {"task": task, "level": each.level or levels[0]}
        # One level for all of them is named once.
        level = listed(levels if len(set(levels)) > 1 else levels[:1])
        return known | {"task": mean_of(each.tasks), "level": level, "tasks": each.tasks, "levels": levels}

    @functools.cached_property
    def endpoints(self) -> list[dict[str, Any]]:
        """The primary comparisons of a mean over several tasks."""
        return [each for each in self.primary if "tasks" in each]

    def endpoint_cases(self) -> list[str]:
        """The scored frames that the endpoints rest on, by endpoint and task."""
        places = [(task, each["regime"]) for each in self.endpoints for task in each["tasks"]]
        evaluations = [Evaluation(task, regime, ALL_LABELS) for task, regime in places]
        return self.statistics(*evaluations, file="cases.parquet")

    @functools.cached_property
    def margins(self) -> dict[str, dict[str, Any]]:
        """The margin of each task that has one, and of each mean over tasks."""
        margins = {name: task.margin for name, task in self.settings.tasks.items()}
        margins |= {test.task: margins[test.evaluation.task] for test in self.external}
        margins |= {mean_of(each.tasks): each.margin for each in self.settings.primary if each.tasks}
        return {name: margin.given() for name, margin in margins.items() if margin}

    def expected(self) -> dict[str, Any]:
        """What the forecasts of the primary comparisons rest on (`uscl.checks.expectations`)."""
        return {
            "primary": self.primary,
            "margins": self.margins,
            "kinds": {name: task.kind for name, task in self.settings.tasks.items()},
            "trainings": len(self.seeds),
            # By task and regime, for the spreads that an earlier call has measured.
            "statistics": {
                f"{each.task}/{each.regime}": self.statistics(each, file="comparisons.csv")[0]
                for each in self.evaluations
            },
        }

    # Files

    def partition(self, seed: int) -> int:
        """The seed of the folds of a training."""
        return seed if self.settings.splits.partitions == "per_training" else self.seeds[0]

    def splits(self, task: str, partition: int | str) -> str:
        """The file of a task's folds. Other settings have another file, so a study that returns to these finds it."""
        if task in self.given:
            return self.given_splits(task, partition)
        splits = self.settings.splits
        return f"{self.results}/splits/{task}-{splits.folds}x{splits.inner}-seed{partition}.csv"

    def given_splits(self, task: str, partition: int | str) -> str:
        """The file of the provider's split of a task, with the validation part of a training if it must be drawn."""
        return f"{self.results}/splits/{task}-given-{self.settings.splits.inner}-seed{partition}.csv"

    def all_splits(self, task: str) -> list[str]:
        """The files of a task's folds, in the order of the seeds."""
        return [self.splits(task, self.partition(seed)) for seed in self.seeds]

    def external_predictions(self, test: ExternalTest) -> list[str]:
        """The predictions of an external set by all cells of an evaluation."""
        task, regime, _ = test.evaluation
        return [
            f"{self.results}/external/{task}/{regime}/{test.dataset}/{arm}/seed{seed}/predictions.parquet"
            for arm in self.externally_tested(test.evaluation)
            for seed in self.seeds
        ]

    def external_statistics(self, *tests: ExternalTest, file: str) -> list[str]:
        """One statistics file per external test."""
        return [f"{self.results}/statistics/{test.evaluation.name}/on-{test.dataset}/{file}" for test in tests]

    def encoder(self, arm: str, seed: int | str) -> str:
        """The folder of an encoder."""
        return f"{self.results}/encoders/{arm}/seed{seed}"

    def cell(self, evaluation: Evaluation, arm: str, seed: int | str) -> str:
        """The folder of a cell."""
        task, regime, labels = evaluation
        return f"{self.results}/cells/{task}/{regime}/labels{labels}/{arm}/seed{seed}"

    def encoder_outcomes(
        self, arms: Iterable[str] | None = None, seeds: Iterable[int | str] | None = None
    ) -> list[str]:
        """The outcomes of the encoders of some arms, else of all, with some seeds, else with all."""
        pairs = itertools.product(self.encoded if arms is None else arms, self.seeds if seeds is None else list(seeds))
        return [f"{self.encoder(arm, seed)}/outcome.json" for arm, seed in pairs]

    def features(self, dataset: str, arm: str, seed: int | str) -> str:
        """The file of the frozen features of a data set; those from a file are the same for every seed."""
        of_seed = f"-seed{seed}" if self.method(arm).encodes else ""
        return f"{self.results}/features/{dataset}/{arm}{of_seed}.npy"

    def authors_run(self, task: str, arm: str, seed: int | str) -> str:
        """The folder of a run by the authors' protocol."""
        return f"{self.results}/authors_protocol/{task}/{arm}/seed{seed}"

    def authors_outcomes(self) -> list[str]:
        """The outcomes of all runs by the authors' protocol, by task, arm and seed."""
        return [
            f"{self.authors_run(task, arm, seed)}/outcome.json"
            for task in self.settings.authors_protocol
            for arm in self.encoded
            for seed in self.seeds
        ]

    def external_outcomes(self, test: ExternalTest) -> list[str]:
        """The outcomes of the cells whose models are tested on an external set."""
        return [
            f"{self.cell(test.evaluation, arm, seed)}/outcome.json"
            for arm in self.externally_tested(test.evaluation)
            for seed in self.seeds
        ]

    def cell_outcomes(self, *evaluations: Evaluation) -> list[str]:
        """The outcomes of the cells of some evaluations."""
        return [
            f"{self.cell(evaluation, arm, seed)}/outcome.json"
            for evaluation in evaluations
            for arm in self.evaluated(evaluation)
            for seed in self.seeds
        ]

    def statistics(self, *evaluations: Evaluation, file: str) -> list[str]:
        """One statistics file per evaluation."""
        return [f"{self.results}/statistics/{evaluation.name}/{file}" for evaluation in evaluations]
