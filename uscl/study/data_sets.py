"""The data sets of a study: where they are, how they are read, and how to get one that is missing."""

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uscl.base.files import nearest_existing
from uscl.base.seeds import derive
from uscl.data.sources.fingerprint import MOST_WATCHED, fingerprint, survey
from uscl.data.sources.folders import public_folder
from uscl.data.sources.registry import how_to_get
from uscl.data.sources.walk import identity
from uscl.study.contradictions import reader_of
from uscl.study.data_roots import data_root, wrong_root
from uscl.study.schema import GivenSplit, OwnSet, PublicSet, SimulatedSet, StudySettings

FRAME_STORE = {"frames": "frames.npy", "masks": "masks.npy", "manifest": "manifest.parquet"}


ULTRABENCH = "ultrabench"


def name_of_prepared(folder: str) -> str:
    """The name in the registry of a set that UltraBench has written into a folder.

    >>> name_of_prepared("data/aul_mass_v1.0.1")
    'ultrabench_aul_mass'
    """
    return f"{ULTRABENCH}_{re.sub(r'_v[0-9.]+$', '', os.path.basename(folder))}"


class DataSets:
    """What follows from the settings of the data sets and from the registry (config/datasets.yaml)."""

    def __init__(self, settings: StudySettings, registry: Mapping[str, Any], results: str) -> None:
        self._study = settings
        self._sets = settings.datasets
        self.registry = registry
        self._results = results

    def simulated(self, name: str) -> bool:
        """Whether a data set is simulated."""
        return isinstance(self._sets[name], SimulatedSet)

    def own(self, name: str) -> bool:
        """Whether a data set is the user's own."""
        return isinstance(self._sets[name], OwnSet)

    def reader(self, name: str) -> str:
        """The name of the reader that reads a data set."""
        return reader_of(self._sets[name])

    def entry(self, name: str) -> Any:
        """The registry's entry of a data set; None for a user's own, unless UltraBench has prepared it."""
        if self.simulated(name):
            return self.registry["simulator"]
        return self.registry.get(name_of_prepared(self.folder(name)) if self.prepared(name) else self.reader(name))

    def prepared(self, name: str) -> bool:
        """Whether a data set is one that UltraBench prepares."""
        return self.reader(name) == ULTRABENCH

    def fetched(self, name: str) -> bool:
        """Whether a data set is one that can be downloaded."""
        entry = self.entry(name)
        return bool(entry and entry["files"])

    @functools.cache  # noqa: B019  (one object per process)
    def folder(self, name: str) -> str:
        """The folder of a data set's files: in the results for a simulated set, else the one in the settings."""
        root = data_root(self._study, name)
        return f"{self._results}/raw/{name}" if root is None else public_folder(self.reader(name), root)

    def store(self, name: str) -> dict[str, str]:
        """The files of a frame store, by name."""
        return {key: f"{self._results}/frames/{name}/{file}" for key, file in FRAME_STORE.items()}

    def native_files(self, name: str) -> list[str]:
        """The files of a frame store that hold its masks at the size of their source pictures, and where these lie."""
        return [f"{self._results}/frames/{name}/{file}" for file in ("native_masks.parquet", FRAME_STORE["manifest"])]

    def simulation(self, name: str) -> dict[str, Any]:
        """What a set is simulated from. The seed depends on the name: two sets of one kind must not share patients."""
        settings = self._sets[name]
        assert isinstance(settings, SimulatedSet)
        seed = self._study.simulator_seed if self._study.simulator_seed is not None else self._study.seeds[0]
        given = settings.simulate.model_dump(exclude_none=True)
        return given | {"seed": derive(seed, "simulate", name)}

    def reading(self, name: str) -> dict[str, Any]:
        """What a set is extracted with. Snakemake doesn't see changes inside a folder; the fingerprint does."""
        given = self._sets[name]
        return {
            "reader": self.reader(name),
            "root": self.folder(name),
            "fingerprint": fingerprint(self.folder(name)),
            "options": self.options(name),
            "expected": self.expected(name),
            "rate_hz": given.rate_hz,
            "max_frames": given.max_frames,
            **{key: getattr(given, key) for key in ("exclude", "crop", "doppler")},
            "size": self._study.frame_size,
            "on_bad_video": self._study.on_bad_video,
        }

    def picture_reading(self, name: str) -> dict[str, Any]:
        """How new pictures are read as those of a set were; a `crop` of single files, in a table, can't be applied."""
        given = self._sets[name]
        return {"rate_hz": given.rate_hz, "crop": given.crop if isinstance(given.crop, list) else []}

    def options(self, name: str) -> dict[str, Any]:
        """What the reader of own data is called with; `labels` are only for masks."""
        given = self._sets[name]
        if not self.own(name):
            return {}
        keys = ("mask", "classes") if self.prepared(name) else ("patient", "group", "table", "classes")
        options = {key: getattr(given, key) for key in keys}
        options |= {"part": split.given} if (split := self.given_split(name)) else {}
        return options | ({"labels": given.labels} if isinstance(given, OwnSet) and given.labels else {})

    def expected(self, name: str) -> Any:
        """The counts that the registry gives for a public set; None if they are not to be checked."""
        settings = self._sets[name]
        known = isinstance(settings, PublicSet) or self.prepared(name)
        return (self.entry(name) or {}).get("expected") if known and not settings.partial else None

    def on_leak(self, name: str) -> str:
        """What happens to a leak in a data set."""
        # Of a given split, no leak within a part stops the study; its own `on_leak` decides about the others. On an
        # external set nothing is trained.
        apart = self.given_split(name) or self.external_only(name)
        default = "group" if apart else (self.entry(name) or {}).get("on_leak", "stop")
        policy: str = self._sets[name].on_leak or default
        return policy

    def external_only(self, name: str) -> bool:
        """Whether a data set is only there to test the models of other sets."""
        tasks = self._study.tasks.values()
        return any(name in task.external_sets for task in tasks) and all(task.dataset != name for task in tasks)

    def given_split(self, name: str) -> GivenSplit | None:
        """The split that the provider of a data set gives, if a task is tested on it."""
        tasks = self._study.tasks.values()
        return next((task.splits for task in tasks if task.splits and task.dataset == name), None)

    def namespace(self, name: str) -> str:
        """The scope in which a group name means one patient: a simulated set, all own data, or a public set.

        UltraBench's sets number their patients each for itself.
        """
        if self.simulated(name):
            return f"simulated {name}"
        if self.prepared(name):
            return f"{ULTRABENCH} {self.folder(name)}"
        return "own data" if self.own(name) else self.reader(name)

    def missing(self, name: str) -> str | None:
        """One sentence on how to get a data set that is missing and can't be made or fetched; else None."""
        folder, entry = self.folder(name), self.entry(name)
        if self.simulated(name) or os.path.isdir(folder):
            return None
        if entry and self.prepared(name):
            return how_to_get(name, entry, Path(folder))
        if fault := wrong_root(self._study, name):
            return fault
        return None if self.fetched(name) else how_to_get(name, entry, Path(folder))

    def holds_results(self, name: str) -> str | None:
        """One sentence about a folder of data that holds the results, which would be read as data; else None."""
        folder = self.folder(name)
        if self.simulated(name) or not os.path.isdir(folder):
            return None
        own = identity(str(nearest_existing(Path(self._results))))  # the first call makes the results
        inside = any(
            Path(spelled(self._results)).is_relative_to(spelled(folder))
            for spelled in (os.path.abspath, os.path.realpath)
        )
        if not inside and (own is None or own not in survey(folder).folders):
            return None
        return (
            f"Config: results ({self._results}) lies in {folder}, the folder of data set '{name}', so results would be"
            " read as data: name a folder outside of it."
        )

    def huge(self, name: str) -> str | None:
        """One sentence about a folder of data that is too large to be watched for changes; else None."""
        if self.simulated(name) or not survey(self.folder(name)).huge:
            return None
        return (
            f"Data set '{name}': {self.folder(name)} holds more than {MOST_WATCHED:,} files, so changes in it aren't"
            f" noticed (after one, call with --forcerun extract_frames): if it holds more than the set, set"
            f" datasets.{name}.data_root to the set's own folder."
        )
