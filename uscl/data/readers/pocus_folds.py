"""pocus_folds: the POCUS images as the authors of Meta-USCL publish them, pickled in five folds.

Source: https://github.com/Schuture/Meta-USCL, section 4.1 of its README (Google Drive); the images are from the set of
Born et al., Applied Sciences 11 (2021) 672, doi:10.3390/app11020672. Licence: not stated; the licence of each image's
source applies. 2,116 images: covid 655, pneumonia 349, regular 1,112.
Only the test parts are read; together they are the whole set. Label: the class. Group: the fold, as no patient ids
exist; the authors state that the folds keep patients apart. This module opens no pickle.
"""

from pathlib import Path

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Sources, require, sources
from uscl.data.source import Source

FOLDER = "covid_5_fold"
NAMES = {fold: f"covid_data{fold}.pkl" for fold in range(1, 6)}
LANDMARKS = tuple(NAMES.values())
HAS_MASKS = False

LAYOUT = f"covid_data1.pkl to covid_data5.pkl, or the folder {FOLDER} with these"


def read(root: Path) -> Sources:
    """List the classes of each fold's test images. Raises UserError."""
    from uscl.data.decode.pickled_folds import CLASSES

    folder = require(root, ".", LAYOUT)
    if missing := [name for name in NAMES.values() if not (folder / name).is_file()]:
        raise UserError(f"{root} has no {', '.join(missing)}: it should hold {LAYOUT}.")
    files = [
        Source(f"fold{fold}/{label}", name, "fold", f"fold {fold}", label, unit="fold", part=f"fold {fold}")
        for fold, name in NAMES.items()
        for label in CLASSES
    ]
    return sources(files, [])
