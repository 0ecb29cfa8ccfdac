"""Every key of a study's file: its type, its default and its meaning, each written once.

config/README.md and the JSON schema are generated from these models (`uscl.study.reference`). What a single model can't
see, such as a name that nothing defines, is in `uscl.study.contradictions`; `uscl.study.validation` turns the errors
into sentences.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_wrap_validator_function

from uscl.base.settings import Float, Int, Nothing, Once, Settings, as_number, one_of
from uscl.data.few_labels import ALL_LABELS, Labels
from uscl.data.regions import crop_fault
from uscl.evaluate.regimes import REGIMES
from uscl.models.encoder_setting import EncoderName
from uscl.pretrain.methods import methods
from uscl.pretrain.own_method import is_file

NAME = r"^[A-Za-z0-9][A-Za-z0-9_]*$"
OWN_FOLDER = r"^[^{}<>]+$"


def list_or_name(value: Any) -> Any:
    """The value itself. Raises ValueError, in place of one error per type, if it is neither a list nor text."""
    if value is None or isinstance(value, list | str):
        return value
    raise ValueError("must be a list, or the name of a CSV in the folder of the data")


def check_crop(crop: list[Any] | str | None) -> list[float] | str | None:
    """The crop itself, with numbers. Raises ValueError if it can't be one."""
    if not isinstance(crop, list):
        return crop
    numbers = [as_number(number) for number in crop]
    if fault := crop_fault([number if isinstance(number, int | float) else -1 for number in numbers]):
        raise ValueError(fault)
    return numbers


class OrOwnMethod:
    """Of a union of methods: accept those in files of the user's too, each with the settings that it declares."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(given: Any, known: Callable[[Any], Any]) -> Any:
            if isinstance(given, dict) and is_file(given.get("method")):
                return methods()[given["method"]].settings.model_validate(given)
            return known(given)

        return no_info_wrap_validator_function(validate, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        method = {"type": "string", "pattern": r"\.py$", "description": "The path of a file with a method of your own."}
        return {
            "anyOf": [handler(schema), {"type": "object", "properties": {"method": method}, "required": ["method"]}]
        }


if TYPE_CHECKING:
    RegimeName = str
    AnyMethod = Any
else:  # known only when the registries are read
    RegimeName = one_of(list(REGIMES))
    AnyMethod = Annotated[
        Union[tuple(method.settings for method in methods().values())],  # noqa: UP007
        Discriminator("method"),
        OrOwnMethod(),
    ]

Name = Annotated[str, Field(pattern=NAME, max_length=64)]
OnLeak = Annotated[
    Literal["stop", "group", "drop"] | None,
    Field(
        description="What happens to a leak (the same or nearly the same picture in two groups of the set, or in pool"
        " and task): the study stops; the groups count as one; or all but one of them are left out. Grouping can't fix"
        " a leak into the pool, so such a leak then stops the study. Default: the value in config/datasets.yaml for a"
        " public set, else stop."
    ),
]
RateHz = Annotated[
    Annotated[Float, Field(gt=0)] | None,
    Nothing,
    Field(description="Frames per second taken from a video; by default every frame."),
]
MaxFrames = Annotated[
    Annotated[Int, Field(ge=1)] | None,
    Nothing,
    Field(description="The largest number of frames taken from a video, counted from its start."),
]

Exclude = Annotated[
    list[Annotated[str, Field(min_length=1)]] | str | None,
    Nothing,
    BeforeValidator(list_or_name),
    Field(
        description="Files to leave out: patterns such as `*_doppler*` that match a file's path in the folder or its"
        " name, or the name of a CSV in the folder with a column file. Default: none."
    ),
]
Cropped = Annotated[
    list[Any] | str | None,
    Nothing,
    BeforeValidator(list_or_name),
    AfterValidator(check_crop),
    Field(
        description="The part of every picture that is used, without text and scales around it: [left, top, width,"
        " height] in pixels, or four shares of the picture (at most 1); or the name of a CSV in the folder with the"
        " columns file and crop (four numbers). Of DICOM it replaces the region in the file. Default: all of it."
    ),
]
Doppler = Annotated[
    Literal["keep", "leave_out"],
    Field(description="Frames with colour Doppler are kept, as grey, or left out. They are counted in any case."),
]


EVENTS = ("inconsistent", "dropout", "freeze")
POOL_KEYS = ("organs", "change", *EVENTS)
Share = Annotated[
    Annotated[Float, Field(ge=0, le=1)] | None,
    Nothing,
    Field(
        description="Pool: share of the videos in which the probe moves (inconsistent, default 0.25; see change), loses"
        " contact (dropout, 0.1), or the picture freezes (freeze, 0.1)."
    ),
]


class Simulation(Settings):
    """Settings of the simulator."""

    kind: Annotated[Literal["pool", "lung", "breast"], Field(description="Which set is simulated.")]
    patients: Annotated[Int, Field(ge=1, description="Number of patients (of images for breast).")]
    videos: Annotated[Annotated[Int, Field(ge=1)] | None, Field(description="Videos per patient.")] = None
    frames: Annotated[Annotated[Int, Field(ge=1)] | None, Field(description="Frames per video.")] = None
    organs: Annotated[
        list[Literal["lung", "liver", "breast"]] | None,
        Field(
            min_length=1,
            description="Pool: what the patients come for, in turn; an organ that is named twice has twice as many"
            " patients. Default: lung, liver, breast.",
        ),
    ] = None
    machines: Annotated[
        Literal["own", "shared"] | None,
        Field(
            description="Each video or image has machine settings (gain, depth, ...) of its own, which is the default,"
            " or all those of one kind of probe, in all sets with this key, share theirs, which then tell none apart."
        ),
    ] = None
    lungs: Annotated[
        Literal["own", "alike"] | None,
        Field(
            description="Not for breast: lungs differ in chest wall, ribs and artefacts as patients' lungs do, which is"
            " the default, or hardly differ in anything but disease."
        ),
    ] = None
    change: Annotated[
        Literal["organ", "class"] | None,
        Field(
            description="Pool: what an inconsistent video changes to: another organ, which is the default, or another"
            " class of the same organ (a lung with another disease or without, another finding in a breast)."
        ),
    ] = None
    inconsistent: Share = None
    dropout: Share = None
    freeze: Share = None

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse what only a pool has, in another set, and events in more videos than there are."""
        given = [key for key in POOL_KEYS if getattr(self, key) is not None]
        if given and self.kind != "pool":
            raise PydanticCustomError("contradiction", f"has `{given[0]}`, which is for kind pool: remove it")
        if self.lungs is not None and self.kind == "breast":
            raise PydanticCustomError("contradiction", "has `lungs`, which a breast set has not: remove it")
        if self.change == "class" and "liver" in (self.organs or ["liver"]):
            raise PydanticCustomError(
                "contradiction", "has `change: class`, and a liver has no classes: name `organs` without liver"
            )
        if sum(getattr(self, event) or 0 for event in EVENTS) > 1:
            raise PydanticCustomError("contradiction", f"has {', '.join(EVENTS)} that add up to more than 1")
        return self


class SimulatedSet(Settings):
    """A simulated set, written in the folder layout of a public one."""

    reader: Annotated[str, Field(description="The reader of the folder layout that is simulated.")]
    simulate: Annotated[Simulation, Field(description="Settings of the simulator instead of a folder.")]
    rate_hz: RateHz = None
    max_frames: MaxFrames = None
    exclude: Exclude = None
    crop: Cropped = None
    doppler: Doppler = "keep"
    on_leak: OnLeak = None
    partial: Annotated[bool, Field(description="Has no meaning for a simulated set.")] = False


class PublicSet(Settings):
    """A public set."""

    reader: Annotated[str, Field(description="A public set, by the reader of its folder; see config/datasets.yaml.")]
    data_root: Annotated[
        str | None,
        Field(
            min_length=1,
            description="The folder that holds the set's public folder (into which it is fetched), or that folder."
            " Default: the study's `data_root`.",
        ),
    ] = None
    rate_hz: RateHz = None
    max_frames: MaxFrames = None
    exclude: Exclude = None
    crop: Cropped = None
    doppler: Doppler = "keep"
    on_leak: OnLeak = None
    partial: Annotated[
        bool, Field(description="The folder holds a part of the set on purpose, so its files are not counted.")
    ] = False


class OwnSet(Settings):
    """Your own data."""

    kind: Annotated[
        str,
        Field(
            description="Your own data: videos or DICOM clips to pretrain on (video_folder), videos in one folder per"
            " class or with labels in `table` (labelled_videos), images in one folder per class (image_folder), images"
            " listed in a CSV (image_csv), images with masks (image_mask_pairs), or a set that UltraBench has prepared"
            " (ultrabench)."
        ),
    ]
    data_root: Annotated[
        str | None,
        Field(
            min_length=1,
            description="The folder of your data. Default: the folder with the set's name in the study's `data_root`.",
        ),
    ] = None
    patient: Annotated[
        str | None,
        Field(
            min_length=1,
            description="A regular expression that finds the patient in a file's path without its ending: its first"
            " parenthesis, else everything that it matches. Files of one patient are never split.",
        ),
    ] = None
    group: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Instead of `patient`: a regular expression that finds another group of files that are never"
            " split, such as a series. Tables then speak of groups, not of patients.",
        ),
    ] = None
    table: Annotated[
        str | None,
        Field(
            min_length=1,
            description="A CSV in the folder with the columns file and, as far as known, label and either patient or"
            " group; the default of image_csv is labels.csv.",
        ),
    ] = None
    classes: Annotated[
        list[Annotated[str, Field(min_length=1)]] | None,
        Field(min_length=2, description="The classes; another class in the folder or table is an error. Default: any."),
    ] = None
    labels: Annotated[
        list[Annotated[Int, Field(ge=1, le=65535)]] | None,
        Field(
            min_length=1,
            description="Of image_mask_pairs: the values in a mask that are lesion. Default: all values above 0.",
        ),
    ] = None
    mask: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Of ultrabench: the key of the masks that a task segments, such as mass_mask; needed if the"
            " set has several.",
        ),
    ] = None
    partial: Annotated[
        bool, Field(description="Of ultrabench: the folder holds a part of the set on purpose, so it is not counted.")
    ] = False
    rate_hz: RateHz = None
    max_frames: MaxFrames = None
    exclude: Exclude = None
    crop: Cropped = None
    doppler: Doppler = "keep"
    on_leak: OnLeak = None


NO_ROOT = (
    "needs either `simulate` (a simulated set) or `data_root` (the folder of a real one, here or for all sets at the"
    " top level), and not both"
)


def check_keys(given: Any) -> Any:
    """Refuse a data set whose keys contradict each other."""
    if isinstance(given, dict):
        if ("reader" in given) == ("kind" in given):
            raise PydanticCustomError(
                "contradiction", "needs either `reader` (a public set) or `kind` (your own data), and not both"
            )
        if "simulate" in given and "data_root" in given:
            raise PydanticCustomError("contradiction", NO_ROOT)
    return given


def model_of(given: Any) -> str:
    """Which model describes a data set; what is no data set at all is refused by any of them."""
    keys = given if isinstance(given, dict) else getattr(given, "model_fields_set", ())
    return "simulated" if "simulate" in keys else "own" if "kind" in keys else "public"


DataSet = Annotated[
    Annotated[SimulatedSet, Tag("simulated")] | Annotated[PublicSet, Tag("public")] | Annotated[OwnSet, Tag("own")],
    Discriminator(model_of),
    BeforeValidator(check_keys),
]


class Finetuning(Settings):
    """Budget of fine-tuning, the same for every arm."""

    epochs: Annotated[Int, Field(ge=1, description="Epochs; the best on the validation part is kept.")]
    batch_size: Annotated[Int, Field(ge=2, description="Frames per step.")]
    lr: Annotated[Float, Field(gt=0, description="Largest learning rate of AdamW.")]
    weight_decay: Annotated[Float, Field(ge=0, description="Weight decay of AdamW.")] = 1e-4


class Margin(Settings):
    """The smallest difference that matters, in the metric of a primary comparison."""

    points: Annotated[
        Float, Field(gt=0, description="The margin: percentage points, or pixels for HD95. It has no default.")
    ]
    reason: Annotated[str, Field(min_length=1, description="Why a smaller difference does not matter, for readers.")]


class GivenSplit(BaseModel):
    """A split that the provider of the data gives, in place of folds that the study draws."""

    model_config = Settings.model_config  # no subclass, whose method `given` the key would hide

    given: Annotated[
        str,
        Field(
            min_length=1,
            description="Where each file's part stands: a column of the data set's `table`, or `folder` for folders of"
            " the paths; `part` for a public set whose reader knows it, and for ultrabench. Parts are train, test and"
            " val (drawn from train if absent), or numbered folds, each of which is tested once.",
        ),
    ]
    on_leak: Annotated[
        Literal["stop", "report"],
        Field(
            description="If a group, or a picture, is in several of the given parts: the study stops and names the"
            " pairs, or goes on, and the tables mark the task."
        ),
    ] = "stop"


class External(Settings):
    """A data set on which the models of a task are tested, and never trained."""

    dataset: Annotated[str, Field(min_length=1, description="The data set.")]
    classes: Annotated[
        dict[str, str],
        Field(description="The task's name of each class that the set calls otherwise, such as `{B: benign}`."),
    ] = {}  # noqa: RUF012  (pydantic copies it)


class Task(Settings):
    """The keys that all tasks have."""

    dataset: Annotated[str, Field(description="The data set of the task.")]
    regimes: Annotated[
        list[RegimeName],
        Once,
        Field(
            min_length=1,
            description="How an encoder is evaluated: "
            + "; ".join(f"{regime.name}: {regime.title}" for regime in REGIMES.values())
            + ". Figures show the first.",
        ),
    ] = ["finetune"]  # noqa: RUF012  (pydantic copies it)
    finetune: Annotated[
        Finetuning | None,
        Field(description="Budget of fine-tuning, the same for every arm; needed by regimes that train."),
    ] = None
    splits: Annotated[
        GivenSplit | None,
        Field(description="The split that the provider of the data gives. Default: the study draws folds."),
    ] = None
    external: Annotated[
        list[str | External],
        Field(
            description="Data sets on which the models of all folds and seeds are tested as they are: a name, or"
            " `dataset` and `classes` if the set has other names for the classes."
        ),
    ] = []  # noqa: RUF012  (pydantic copies it)
    margin: Annotated[
        Margin | None,
        Field(
            description="The smallest difference that matters. Without it, no comparison on the task is called equal,"
            " and no advantage is ruled out."
        ),
    ] = None

    @property
    def external_sets(self) -> dict[str, External]:
        """The external sets by name."""
        each = [External(dataset=one) if isinstance(one, str) else one for one in self.external]
        return {one.dataset: one for one in each}

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse a regime that is not for this kind of task, and training without a budget."""
        kind: str = self.kind  # type: ignore[attr-defined]
        for regime in self.regimes:
            if kind not in REGIMES[regime].kinds:
                others = ", ".join(name for name, other in REGIMES.items() if kind in other.kinds)
                raise PydanticCustomError(
                    "regimes",
                    f"the regime {regime} is for {' and '.join(REGIMES[regime].kinds)}; for {kind} take {others}",
                )
            if REGIMES[regime].trains and self.finetune is None:
                raise PydanticCustomError("needed", f"finetune is missing, and the regime {regime} needs it")
        return self


class Frames(Settings):
    """Frames of each video, among those that the data set's own `rate_hz` and `max_frames` store."""

    rate_hz: RateHz = None
    max_frames: MaxFrames = None


class Sampling(Settings):
    """Frames that train, and frames that are tested; a part without settings takes all that are stored."""

    train: Annotated[Frames | None, Field(description="Frames of each video in the training part.")] = None
    test: Annotated[
        Frames | None, Field(description="Frames of each video in the test part, and in the validation part.")
    ] = None


class OperatingPoints(Settings):
    """Thresholds that a clinic would choose: what is reached if one share is fixed. At least one list is needed."""

    specificity: Annotated[
        Annotated[list[Annotated[Float, Field(gt=0, lt=1)]], Once, Field(min_length=1)] | None,
        Field(description="Specificities, such as [0.9, 0.95], at which the sensitivity to each class is given."),
    ] = None
    sensitivity: Annotated[
        Annotated[list[Annotated[Float, Field(gt=0, lt=1)]], Once, Field(min_length=1)] | None,
        Field(description="Sensitivities, such as [0.95], at which the specificity to each class is given."),
    ] = None

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse an empty entry."""
        if not self.specificity and not self.sensitivity:
            raise PydanticCustomError("contradiction", "needs `specificity`, `sensitivity` or both")
        return self


Level = Literal["frame", "video", "patient"]


class Classification(Task):
    """Predict the class of a frame."""

    kind: Literal["classification"]
    classes: Annotated[
        dict[str, Annotated[str, Field(min_length=1)]],
        Field(
            description="The task's class for some classes of the data set, to join them or to name them otherwise,"
            " such as `{pneumonia: other, regular: other}`. A class that isn't listed keeps its name."
        ),
    ] = {}  # noqa: RUF012  (pydantic copies it)
    sampling: Annotated[
        Sampling | None,
        Field(description="Frames of videos for training and test apart. Default: all that are stored."),
    ] = None
    temperature_scaling: Annotated[
        bool,
        Field(
            description="Whether the probabilities of each fold's model are scaled by the temperature that suits the"
            " validation part best (calibration). Decisions stay; those of arms from files are taken as they are."
        ),
    ] = False
    operating_points: Annotated[
        OperatingPoints | None,
        Field(
            description="Fixed specificities or sensitivities, for operating_points.csv: the other of the two, of each"
            " class against the rest, at the best threshold of each fold's model. Default: none."
        ),
    ] = None
    levels: Annotated[
        Annotated[list[Level], Once, Field(min_length=1)] | None,
        Field(
            description="What is scored: single frames, whole videos, whole patients; figures and summaries show the"
            " first. Default: frames, and videos too if they have several."
        ),
    ] = None
    level_rule: Annotated[
        Literal["mean_probability", "majority_vote"],
        Field(
            description="The class probabilities of a video or patient: the mean over its frames, or the shares of its"
            " frames that are predicted as each class, where the mean breaks ties."
        ),
    ] = "mean_probability"
    on_mixed_labels: Annotated[
        Literal["stop", "leave_out"],
        Field(
            description="What happens if frames of one video or patient have different classes: the study stops, or the"
            " case is left out at that level and counted in the tables."
        ),
    ] = "stop"


class SurfaceTolerance(Settings):
    """The distance between outlines that does not matter, in one of two units."""

    mm: Annotated[Annotated[Float, Field(gt=0)] | None, Field(description="In millimetres.")] = None
    px: Annotated[Annotated[Float, Field(gt=0)] | None, Field(description="In pixels of the source picture.")] = None

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse both units, and none."""
        if (self.mm is None) == (self.px is None):
            raise PydanticCustomError("contradiction", "needs either `mm` or `px`, and not both")
        return self


def check_structures(structures: dict[str, int]) -> dict[str, int]:
    """The structures themselves. Raises ValueError if two have one label, or names that differ only in case."""
    if len(set(structures.values())) < len(structures):
        raise ValueError(f"gives one label to two structures: {structures}")
    if len({name.casefold() for name in structures}) < len(structures):
        raise ValueError(f"has names that differ only in case: {', '.join(structures)}")
    return structures


class Segmentation(Task):
    """Predict the mask of a lesion, or of several structures."""

    kind: Literal["segmentation"]
    decoder: Annotated[Literal["unet", "deeplabv3plus"], Field(description="The decoder on the encoder.")] = "unet"
    structures: Annotated[
        Annotated[
            dict[Name, Annotated[Int, Field(ge=1, le=255)]], Field(min_length=2), AfterValidator(check_structures)
        ]
        | None,
        Field(
            description="Several structures, by name, with their labels in the masks: `{nerve: 1, vessel: 2}`. A mask"
            " with another label is an error. Of colours, red is 1, green 2, blue 4 and mixed ones are their sums."
            " Default: one structure, which is every label."
        ),
    ] = None
    surface_tolerance: Annotated[
        SurfaceTolerance | None,
        Field(
            description="The distance within which two outlines agree, for the metric native_nsd: `{mm: 1.0}`, if the"
            " size of a pixel is known of every image, or `{px: 2}`, in pixels of the source picture. Default: no such"
            " metric."
        ),
    ] = None


AnyTask = Annotated[Classification | Segmentation, Discriminator("kind")]


class Splits(Settings):
    """How cases are divided, by groups (patients, else videos)."""

    folds: Annotated[Int, Field(ge=2, description="Number of test folds.")]
    inner: Annotated[Int, Field(ge=2, description="One of so many parts of each training part chooses the epoch.")]
    partitions: Annotated[
        Literal["per_training", "shared"],
        Field(
            description="per_training: each seed has its own folds, the same for all arms, so that a claim does not"
            " depend on one draw of folds. shared: all seeds have the folds of the first."
        ),
    ] = "per_training"


class Primary(Settings):
    """A primary comparison: what the study is meant to show, named before the results are known."""

    arm: Annotated[str, Field(description="The arm.")]
    reference: Annotated[str, Field(description="The arm that it is compared with.")]
    task: Annotated[str | None, Field(description="The task.")] = None
    tasks: Annotated[
        list[str] | None,
        Once,
        Field(
            min_length=2,
            description="Instead of `task`: tasks over which the mean of the metric is compared, each at its first"
            " level. What a training scores is its mean over the tasks.",
        ),
    ] = None
    regime: Annotated[RegimeName, Field(description="One of the task's regimes.")]
    metric: Annotated[str, Field(description="One metric, as named in table.csv.")]
    level: Annotated[
        Level | None,
        Field(description="What is scored: one of the task's levels. Default: the first of them, else frames."),
    ] = None
    external: Annotated[
        str | None,
        Field(
            description="Of `task`: one of its external sets, on which the arms are compared in place of its own folds."
        ),
    ] = None
    margin: Annotated[
        Margin | None,
        Field(description="Of `tasks`: the smallest difference of their mean that matters. A task has its own."),
    ] = None

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse a comparison on no task, a level of several, and a margin of one."""
        if (self.task is None) == (self.tasks is None):
            raise PydanticCustomError("contradiction", "needs either `task` or `tasks` (their mean), and not both")
        if self.tasks and self.level:
            raise PydanticCustomError(
                "contradiction", "has `tasks` and `level`: each task is taken at the first of its own `levels`"
            )
        if self.tasks and self.external:
            raise PydanticCustomError("contradiction", "has `tasks` and `external`: an external set is one of a `task`")
        if self.task and self.margin:
            raise PydanticCustomError("contradiction", "has `task` and `margin`: give the margin to the task itself")
        return self

    @property
    def named_tasks(self) -> list[str]:
        """The task, or all tasks of a mean."""
        return self.tasks or [str(self.task)]


class LabelFractions(Settings):
    """Scores with a part of the training groups' labels."""

    percent: Annotated[
        Annotated[list[Annotated[Int, Field(ge=1, le=100)]], Once, Field(min_length=1)] | None,
        Field(
            description="Percentages of the training groups of each class, rounded up; smaller ones are parts of larger"
            " ones. The validation part stays whole.",
        ),
    ] = None
    shots: Annotated[
        Annotated[list[Annotated[Int, Field(ge=1)]], Once, Field(min_length=1)] | None,
        Field(
            description="Numbers of training groups of each class, such as [1, 5, 10, 20]; of the same draw, smaller"
            " ones are parts of larger ones. Every class must have so many.",
        ),
    ] = None
    draws: Annotated[
        Int,
        Field(
            ge=1,
            description="How often the few labels are drawn in each training; of several, the table has the mean with"
            " intervals over draws.",
        ),
    ] = 1
    regime: Annotated[
        RegimeName, Field(description="How the encoders are evaluated; tasks that don't know the regime are left out.")
    ]

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse settings that name no part of the labels, and draws of all of them."""
        if not self.percent and not self.shots:
            raise PydanticCustomError("contradiction", "needs `percent`, `shots` or both")
        if self.draws > 1 and self.parts == [ALL_LABELS]:
            raise PydanticCustomError("contradiction", "has `draws` of 100 % of the labels, which are all alike")
        return self

    @property
    def parts(self) -> list[Labels]:
        """The parts of the labels by name: percentages, then numbers of groups."""
        return [*(self.percent or ()), *(f"{shots}shots" for shots in self.shots or ())]


class PoolParts(Settings):
    """How the pool is divided, by groups, for each training; all arms of a training have the same parts."""

    validation: Annotated[
        Float, Field(gt=0, le=0.5, description="Share of the pool's groups held out to watch the loss.")
    ] = 0.1
    meta: Annotated[
        Float,
        Field(
            gt=0,
            le=0.5,
            description="Share of the pool's groups held out as the meta set, from every arm, if an arm of the study"
            " learns weights.",
        ),
    ] = 0.2

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse parts that leave nothing."""
        if self.validation + self.meta >= 1:
            raise PydanticCustomError(
                "contradiction",
                f"`validation: {self.validation}` and `meta: {self.meta}` leave nothing to train on: lower one of them",
            )
        return self


class StudySettings(Settings):
    """A study's file."""

    study: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_-]+$",
            description="Name of the study, in the tables and as prefix of the MLflow experiments.",
        ),
    ]
    results: Annotated[
        str,
        Field(
            min_length=1,
            pattern=OWN_FOLDER,
            description="Folder for everything that the study produces; a path may begin with ~.",
        ),
    ]
    seeds: Annotated[
        list[Annotated[Int, Field(ge=0, le=4294967295)]],
        Once,
        Field(
            min_length=1,
            description="One training of every arm per seed: a partition of the data, a pretraining, a fine-tuning."
            " Claims about methods need several: 3 are exploratory, 5 the least for a claim.",
        ),
    ]
    simulator_seed: Annotated[
        Annotated[Int, Field(ge=0, le=4294967295)] | None,
        Field(description="Seed of the simulated sets. Default: the first of `seeds`."),
    ] = None
    device: Annotated[Literal["cpu", "cuda"], Field(description="Where training runs.")]
    devices: Annotated[
        Annotated[Int, Field(ge=1)] | Literal["auto"],
        Field(
            description="GPUs (with `device: cpu`: processes) that share each pretraining batch. auto: all GPUs of the"
            " machine where the call runs, or one process; the number that is found is part of a run's identity."
        ),
    ] = 1
    threads: Annotated[
        Int,
        Field(
            ge=1,
            description="CPU threads of each process that trains or embeds. Sums depend on it, so a run with another"
            " number is another run. More than one pays with fewer runs than cores; `snakemake doctor` says so.",
        ),
    ] = 1
    precision: Annotated[
        Literal["32-true", "bf16-mixed"],
        Field(
            description="Arithmetic of training. bf16-mixed is faster on GPUs and on some processors; it is refused"
            " for arms that learn weights, because rounding spoils the gradient of the weight net."
        ),
    ]
    tracking: Annotated[
        Literal["mlflow", "none"],
        Field(description="Whether runs are logged to MLflow. The table is the same either way."),
    ]
    tracking_uri: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Another MLflow store than mlflow.db in the results: http://, https:// or sqlite:///. If left"
            " out, MLFLOW_TRACKING_URI in the environment can name one. User, password or token go into"
            " MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD or MLFLOW_TRACKING_TOKEN, never here.",
        ),
    ] = None
    on_bad_video: Annotated[
        Literal["skip", "stop"],
        Field(description="What happens to a file that can't be read: it is set aside, or the run stops."),
    ]
    encoder: Annotated[
        EncoderName,
        Field(
            description="Architecture of every arm's encoder: `resnet18`, `tf_efficientnet_lite0`, `timm/NAME` or"
            " `torchvision/NAME`."
        ),
    ]
    imagenet_weights: Annotated[
        dict[EncoderName, str],
        Field(
            description="By encoder, a local file of ImageNet weights (.pth or .safetensors) to take instead of the"
            " published source."
        ),
    ] = {}  # noqa: RUF012  (pydantic copies it)
    frame_size: Annotated[
        Int,
        Field(
            ge=32,
            le=1024,
            multiple_of=32,
            description="Side of the stored frames in pixels; frames keep their aspect ratio and get black borders.",
        ),
    ]
    datasets: Annotated[dict[Name, DataSet], Field(min_length=1, description="Data sets by name.")]
    data_root: Annotated[
        str | None,
        Field(
            min_length=1,
            description="The folder of all data sets that have no `data_root` of their own: it holds public sets by"
            " their public names, and your own sets by their names in `datasets`.",
        ),
    ] = None
    data_mirror: Annotated[
        str | None,
        Field(
            min_length=1,
            description="An address (https, http or file) whose files, named as in config/datasets.yaml, are fetched"
            " before the public ones: a mirror in your institute. User and password go into ~/.netrc, never here.",
        ),
    ] = None
    pool: Annotated[str, Field(description="The data set that the methods are pretrained on.")]
    pool_parts: Annotated[PoolParts, Field(description="How the pool is divided for each training, by groups.")] = (
        PoolParts()
    )
    tasks: Annotated[
        dict[Name, AnyTask],
        Field(min_length=1, description="Downstream tasks by name."),
    ]
    splits: Annotated[Splits, Field(description="How cases are divided, by groups (patients, else videos).")]
    reference: Annotated[
        str | None, Field(description="The arm that all others are compared with. Default: imagenet, else the first.")
    ] = None
    comparisons: Annotated[
        list[Annotated[list[str], Once, Field(min_length=2, max_length=2)]],
        Once,
        Field(
            description="Further pairs of arms to compare, as [arm, against]. Every pretrained arm is compared with the"
            " `untrained` arm that has its `init` without being named."
        ),
    ] = []  # noqa: RUF012  (pydantic copies it)
    primary: Annotated[
        list[Primary],
        Once,
        Field(
            description="The primary comparisons. They alone get verdicts, from the method test, corrected by Holm's"
            " method as one family per kind of verdict; all other comparisons are secondary."
        ),
    ] = []  # noqa: RUF012  (pydantic copies it)
    trainings: Annotated[
        Literal["nested", "crossed"],
        Field(
            description="Form of the method test. nested: the trainings of two arms are independent. crossed: they are"
            " paired by seed; decide before the results are known."
        ),
    ] = "nested"
    draws: Annotated[
        Int, Field(ge=100, le=1_000_000, description="Draws of the bootstrap and of the permutation test.")
    ] = 10_000
    authors_protocol: Annotated[
        list[str],
        Once,
        Field(
            description="Classification tasks on which every arm is also fine-tuned and scored as by the authors' POCUS"
            " script, in which the test fold chooses the epoch: for reported.csv, next to the published values, and"
            " never a result."
        ),
    ] = []  # noqa: RUF012  (pydantic copies it)
    label_fractions: Annotated[
        LabelFractions | None,
        Field(description="Settings of the optional target label_fractions: scores with a part of the labels."),
    ] = None
    methods: Annotated[
        dict[Name, AnyMethod],
        Field(min_length=1, description="Arms by name: a method and what departs from its published settings."),
    ]
    keep_models: Annotated[
        Literal["all", "first", "none"],
        Field(
            description="Of which trainings the models of all folds are kept, for `uscl predict`: all, those of the"
            " first seed, or none. No result depends on it."
        ),
    ] = "first"
    verify: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_]+/[a-z_]+/[A-Za-z0-9_]+$",
            description="The row of the table that `snakemake verify` computes again from nothing, as its column `run`"
            " names it: task/regime/arm.",
        ),
    ] = None
