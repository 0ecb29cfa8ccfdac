"""Write a model of one fold, or an encoder, in a form that others can use without this project."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.models.checkpoint import arrays, described, load_encoder
from uscl.models.model_file import ENCODER_KEY, PROBES, metadata_of, save_model
from uscl.models.predictors import load_predictor
from uscl.predict.encoders import size_of
from uscl.predict.models import model_files

CLOSE = 1e-4  # how far the outputs of an exported network may be from ours


class Exported(NamedTuple):
    """What is exported: the network in evaluation mode, its record, its file, the side of its frames, its outputs."""

    net: nn.Module
    record: dict[str, Any]
    file: Path
    size: int
    output: str

    @property
    def example(self) -> Tensor:
        """Two frames to trace the network with and to compare outputs on."""
        return torch.rand(2, 1, self.size, self.size, generator=torch.Generator().manual_seed(0))


def export(name: str, form: str, out: Path) -> str:
    """Export what a name means; returns a sentence. Raises UserError if it can't be exported, and writes nothing."""
    if out.exists():
        raise UserError(f"{out} exists already: name another place with --out, or remove it.")
    exported = exported_at(name)
    return FORMS[form](exported, out)


def exported_at(name: str) -> Exported:
    """The network of an encoder file or of one fold's model. Raises UserError if a name means several."""
    path = Path(name)
    if path.is_file() and ENCODER_KEY in metadata_of(path):
        encoder = load_encoder(path).eval()
        return Exported(encoder, described(encoder), path, size_of(path), "features")
    files = model_files(name)
    if len(files) > 1:
        raise UserError(f"{name} holds the models of {len(files)} folds: export one of them, such as {files[0]}.")
    net, record = load_predictor(files[0])
    return Exported(net, dict(record), files[0], record["size"], "probabilities")


def to_safetensors(exported: Exported, out: Path) -> str:
    """An encoder file as it is; a model file that needs no other: a probe's then holds its encoder."""
    if exported.record.get("form") in PROBES:
        encoder, head = exported.net.children()
        tensors = {f"encoder.{name}": tensor for name, tensor in arrays(encoder).items()} | arrays(head)
        if "count" not in tensors and hasattr(head, "count"):
            tensors["count"] = np.array(head.count)
        save_model(out, tensors, {**exported.record, **described(encoder)})  # type: ignore[arg-type]
    else:
        with written(out) as partial:
            shutil.copyfile(exported.file, partial)
    return f"{out} holds every weight, and what else prediction needs in its metadata."


def to_torchscript(exported: Exported, out: Path) -> str:
    """A traced network with the record inside."""
    frames = exported.example
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is not what torch recommends for new projects
        traced = torch.jit.trace(exported.net, (frames,), check_trace=False)
    with written(out) as partial:
        torch.jit.save(traced, str(partial), _extra_files={"record.json": json.dumps(exported.record)})
        loaded = torch.jit.load(str(partial))
        compare(exported, lambda given: loaded(torch.from_numpy(given)).numpy(), "TorchScript")
    return said(exported, out, "torch.jit.load")


def to_onnx(exported: Exported, out: Path) -> str:
    """An ONNX file for any batch size, compared with our network in onnxruntime."""
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  (torch exports with it)
    except ImportError as error:
        raise UserError(
            f"ONNX needs the package {error.name}, which is not installed: pip install onnx onnxruntime onnxscript"
        ) from error
    with written(out) as partial:
        traced_onnx(exported, partial)
        model = onnx.load(partial)
        for key, value in {"uscl": json.dumps(exported.record)}.items():
            model.metadata_props.add(key=key, value=value)
        onnx.save(model, partial)
        session = onnxruntime.InferenceSession(partial, providers=["CPUExecutionProvider"])
        compare(exported, lambda given: session.run(None, {"frames": given})[0], "ONNX")
    return said(exported, out, "onnxruntime")


def traced_onnx(exported: Exported, path: Path) -> None:
    """Write a network as ONNX. Raises UserError if torch can't export one of its operations."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                exported.net,
                (exported.example,),
                str(path),
                input_names=["frames"],
                output_names=[exported.output],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = " ".join(str(error.__cause__ or error).split())[:200]
            raise UserError(
                f"{exported.file} can't be exported to ONNX ({reason}): use --format torchscript."
            ) from error


def to_timm(exported: Exported, out: Path) -> str:
    """A folder that `timm.create_model("local-dir:FOLDER", pretrained=True)` loads; with the class head, if any."""
    from uscl.predict.timm_folder import write_timm_folder

    write_timm_folder(exported.net, exported.record, exported.size, out)
    return f'{out} is for timm.create_model("local-dir:{out}", pretrained=True): three equal channels, normalised.'


FORMS: dict[str, Callable[[Exported, Path], str]] = {
    "safetensors": to_safetensors,
    "torchscript": to_torchscript,
    "onnx": to_onnx,
    "timm": to_timm,
}


def compare(exported: Exported, other: Callable[[np.ndarray], np.ndarray], form: str) -> None:
    """Raise UserError if an exported network gives other outputs than ours."""
    for batch in (exported.example, exported.example[:1]):
        with torch.inference_mode():
            ours = exported.net(batch).numpy()
            difference = float(np.abs(ours - other(batch.numpy())).max())
        if not difference <= CLOSE * max(1.0, float(np.abs(ours).max())):
            raise UserError(
                f"{exported.file} gives other {exported.output} in {form} (by {difference:g}): not exported."
            )


def said(exported: Exported, out: Path, loader: str) -> str:
    """What was written, and what it takes and gives."""
    side = exported.size
    return f"{out} takes grey frames [batch, 1, {side}, {side}] in [0, 1] and gives {exported.output} ({loader})."
