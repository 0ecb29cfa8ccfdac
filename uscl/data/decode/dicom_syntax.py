"""How the pixels of a DICOM file are packed: which decoder reads them, and what a user can do about the others."""

from pydicom.pixels import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    MPEGTransferSyntaxes,
)

# In order of preference: an optional decoder must not change the frames of a file that is read without it.
DECODERS = ("pydicom", "pillow", "gdcm")
NEEDS_GDCM = (JPEGLossless, JPEGLosslessSV1, *JPEGLSTransferSyntaxes)
UNPACK = "convert it with gdcmconv --raw IN OUT"


def decoder_name(syntax: UID) -> str | None:
    """The decoder for a transfer syntax, "" for pixels that aren't packed, None if there is no decoder."""
    try:
        available = get_decoder(syntax).available_plugins
    except (NotImplementedError, ValueError):
        return None
    if syntax == DeflatedExplicitVRLittleEndian:  # pydicom would inflate it to any size
        return None
    if not syntax.is_encapsulated:
        return ""
    return next((name for name in DECODERS if name in available), None)


def way_out(syntax: UID) -> str:
    """What a user can do about a transfer syntax that isn't read."""
    if syntax in NEEDS_GDCM:
        return f"install its decoder (pip install python-gdcm), or {UNPACK}"
    if syntax in MPEGTransferSyntaxes:
        return "take the video out of it with gdcmraw IN OUT.mp4"
    return UNPACK if syntax == DeflatedExplicitVRLittleEndian else "convert it to Explicit VR Little Endian"
