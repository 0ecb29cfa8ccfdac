"""The setting that names an encoder."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from uscl.base.errors import UserError
from uscl.models.encoders import ENCODERS, check_encoder

PATTERN = rf"^({'|'.join(sorted(ENCODERS))}|timm/[A-Za-z0-9_.]+|torchvision/[A-Za-z0-9_]+)$"


def known_encoder(name: str) -> str:
    """The name itself. Raises an error of pydantic with the sentence of `check_encoder`."""
    try:
        return check_encoder(name)
    except UserError as error:
        raise PydanticCustomError("encoder", "{sentence}", {"sentence": str(error)}) from error


EncoderName = Annotated[str, AfterValidator(known_encoder), WithJsonSchema({"type": "string", "pattern": PATTERN})]
