"""What a method declares about itself. Imports nothing heavy: the workflow reads it whenever it plans a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from uscl.base.settings import Float, Int, Nothing, Once, Settings
from uscl.models.encoder_setting import EncoderName
from uscl.models.encoders import InputStats

if TYPE_CHECKING:
    from uscl.models.encoder import Encoder


PUBLISHED_WARMUP = 10  # epochs


def nothing(settings: Any) -> tuple[str, ...]:
    """No remarks."""
    return ()


def never(settings: Any) -> bool:
    """No settings need it."""
    return False


class Started(NamedTuple):
    """An encoder before any training here; of one from a file, also in words which of its tensors the file has."""

    encoder: Encoder
    matched: str | None = None


class Method(NamedTuple):
    """An entry of the registry of methods (`uscl.pretrain.methods`).

    `pretrain(encoder, pool, fabric, seed, settings, *, folder, identity)` works on the pool and returns a `Pretrained`;
    a method that needs no pool has `start(arch, seed, weights, settings)` instead, which returns a `Started`; `weights`
    is the file that the settings name, if there is one. A method that `gives` features or predictions has neither:
    files have them, and the project has no encoder. `pairs` names how the two views of a pair are made, given the
    settings; `needs_meta_share` and `needs_truth` tell, given the settings, whether a meta set is used and whether the
    pool's frames must come with the simulator's truth; `remarks` are what the table says about an arm with these
    settings. `step_cost` is the cost of a step relative to a step of SimCLR (benchmarks/meta_step.py,
    benchmarks/method_step.py).
    """

    name: str
    summary: str
    settings: type[Settings]
    pretrain: Callable[..., Any] | None = None
    start: Callable[[str, int, str | None, Any], Started] | None = None
    trains: bool = True
    sees_labels: bool = False
    needs_labels: bool = False
    pairs: Callable[[Any], str] | None = None
    needs_meta_share: Callable[[Any], bool] = never
    needs_truth: Callable[[Any], bool] = never
    remarks: Callable[[Any], tuple[str, ...]] = nothing
    step_cost: float = 0.0
    gives: Literal["encoder", "features", "predictions"] = "encoder"

    @property
    def encodes(self) -> bool:
        """Whether an arm of the method has an encoder."""
        return self.gives == "encoder"

    @property
    def uses_pool(self) -> bool:
        """Whether the method needs the pool's frames."""
        return self.pretrain is not None


Channels = Annotated[
    Annotated[list[Float], Field(min_length=1, max_length=3)] | None,
    Nothing,
    Field(
        description="Input statistics of grey levels from 0 to 1 (mean and standard deviation), in place of those that"
        " the weights or the method bring: three numbers, or one for a timm/NAME encoder of one channel. Both or none."
    ),
]


class AnyArm(Settings):
    """The keys that all methods have."""

    encoder: Annotated[
        EncoderName | None,
        Nothing,
        Field(description="Architecture of the arm's encoder. Default: the study's `encoder`."),
    ] = None
    input_size: Annotated[
        Annotated[Int, Field(ge=16, le=1024)] | None,
        Nothing,
        Field(
            description="Side in pixels to which the stored frames are resized for the encoder. Default: `frame_size`."
        ),
    ] = None
    mean: Channels = None
    std: Channels = None

    stream: Annotated[
        Int,
        Field(
            ge=0,
            description="Another number gives the arm other random numbers throughout, in pretraining and in"
            " fine-tuning: a twin of an arm, to see what luck alone does.",
        ),
    ] = 0

    @property
    def stats(self) -> InputStats | None:
        """The arm's own input statistics; None if it has none."""
        return InputStats(tuple(self.mean), tuple(self.std)) if self.mean and self.std else None

    @model_validator(mode="after")
    def check_statistics(self) -> Self:
        """Refuse statistics that can't be."""
        if (self.mean is None) != (self.std is None) or len(self.mean or []) != len(self.std or []):
            raise PydanticCustomError("contradiction", "needs both `mean` and `std`, of equally many numbers")
        if len(self.mean or [0]) == 2 or any(value <= 0 for value in self.std or []):
            raise PydanticCustomError(
                "contradiction", "needs one number or three as `mean` and as `std`, which must be more than 0"
            )
        return self


class Given(Settings):
    """The key of all methods that take features or predictions from files."""

    tasks: Annotated[
        list[str] | None,
        Once,
        Nothing,
        Field(
            min_length=1,
            description="The tasks that the files are for. Default: every task that the arm can be evaluated on.",
        ),
    ] = None


class FromPool(AnyArm):
    """Settings of all methods that work on the pool."""

    init: Annotated[
        str,
        Field(
            min_length=1,
            description="Weights to start from: `random`, `imagenet`, or the path of a file: an encoder of this"
            " project, or a checkpoint of another program (.safetensors, .pth, .pt, .ckpt).",
        ),
    ] = "random"
    epochs: Annotated[Int, Field(ge=1, description="Passes over the pool's training videos.")] = 300
    batch_size: Annotated[Int, Field(ge=2, description="Pairs per step at most.")] = 32
    remainder: Annotated[
        Literal["spread", "drop"],
        Field(
            description="What happens if the batch size doesn't divide the number of videos: batches become equally"
            " large and somewhat smaller, or all are full and the videos that remain sit out the epoch."
        ),
    ] = "spread"
    train_on: Annotated[
        Literal["shared", "all"],
        Field(
            description="`shared`: the training videos that every arm has. `all`: also those of the meta set, if the"
            " arm itself needs none; it is then not on equal data with the others, and the table says so."
        ),
    ] = "shared"
    batchnorm: Annotated[
        Literal["per_view", "joint"],
        Field(
            description="Statistics of BatchNorm: of the first views and of the second views apart, as released, or of"
            " both together, which is another objective."
        ),
    ] = "per_view"

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the pool that the arm trains on."""
        return ("train", "meta") if self.train_on == "all" else ("train",)

    @property
    def joint(self) -> bool:
        """Whether BatchNorm takes both views together."""
        return self.batchnorm == "joint"

    @property
    def drop(self) -> bool:
        """Whether an epoch leaves out what fills no batch."""
        return self.remainder == "drop"


class Trained(FromPool):
    """Settings of all methods that train on the pool, with the published defaults."""

    lr: Annotated[Float, Field(gt=0, description="Learning rate of SGD after the warm-up.")] = 0.1
    weight_decay: Annotated[Float, Field(ge=0, description="Weight decay.")] = 1e-4
    warmup_epochs: Annotated[
        Annotated[Int, Field(ge=0)] | None,
        Nothing,
        Field(description="Epochs of warm-up. Default: 10, and at most a tenth of the epochs."),
    ] = None

    @property
    def warmup(self) -> int:
        """The epochs of warm-up: as set, else the published ones if the budget has room for them."""
        return min(PUBLISHED_WARMUP, self.epochs // 10) if self.warmup_epochs is None else self.warmup_epochs


class Contrastive(Trained):
    """Settings that all contrastive methods share, with the published defaults."""

    temperature: Annotated[Float, Field(gt=0, description="Temperature of NT-Xent.")] = 0.5


MaxDist = Annotated[
    Int,
    Field(
        ge=2,
        description="Pairs of several frames: the longest span from first to last frame, in stored frames.",
    ),
]
Triples = Annotated[
    Literal["released", "uniform"],
    Field(
        description="Interpolated pairs: the three frames are drawn as in the authors' code, which prefers long spans,"
        " or every triple is equally likely."
    ),
]
Momentum = Annotated[Float, Field(ge=0, lt=1, description="Momentum of SGD.")]
TargetMomentum = Annotated[
    Float,
    Field(ge=0, lt=1, description="Momentum with which the second network follows the trained one, per step."),
]
Out = Annotated[Int, Field(ge=2, description="Dimensions of the projections.")]


class Paired(Trained):
    """Settings of methods that leave open how the two views of a pair come about."""

    momentum: Momentum = 0.9
    pairs: Annotated[
        Literal["frame", "ppi", "temporal"],
        Field(
            description="Two views of one frame, interpolated pairs (PPI, unweighted), or two frames of a video at most"
            " `max_dist` apart."
        ),
    ] = "frame"
    max_dist: MaxDist = 999
    triples: Triples = "released"

    @model_validator(mode="after")
    def check_pairs(self) -> Self:
        """Refuse settings of pairs that are not drawn."""
        unused = {"frame": ("max_dist", "triples"), "temporal": ("triples",), "ppi": ()}[self.pairs]
        for key in unused:
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"`{key}` has no meaning with `pairs: {self.pairs}`: set `pairs: ppi` or remove it")
        return self


def common_remarks(settings: FromPool) -> tuple[str, ...]:
    """What the table says about any arm that departs from the others in data or BatchNorm."""
    remarks = []
    if settings.train_on == "all":
        remarks.append("trains on more videos than the other arms (`train_on: all`)")
    if settings.joint:
        remarks.append("BatchNorm takes both views together (`batchnorm: joint`)")
    return tuple(remarks)
