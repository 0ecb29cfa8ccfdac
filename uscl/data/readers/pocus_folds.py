"""pocus_folds: the POCUS images as the authors of Meta-USCL publish them, pickled in five folds.

Source: https://github.com/Schuture/Meta-USCL, section 4.1 of its README (Google Drive); the images are from the set of
Born et al., Applied Sciences 11 (2021) 672, doi:10.3390/app11020672. Licence: not stated; that of each image's source
holds. 2,116 images: covid 655, pneumonia 349, regular 1,112.
Only the test parts are read, which together are the whole set. Label: the class. Group: the fold, as no patient ids
exist; that the folds keep patients apart is the authors' word. No pickle is opened here.
"""

from pathlib import Path

from uscl.base.errors import UserError
from uscl.data.decode.pickled_folds import CLASSES
from uscl.data.readers import Source, Sources, require, sources
from uscl.data.sources.folders import PUBLIC_FOLDERS

FOLDS = range(1, 6)
LAYOUT = f"covid_data1.pkl to covid_data5.pkl, or the folder {PUBLIC_FOLDERS['pocus_folds']} with these"


def read(root: Path) -> Sources:
    """List the classes of each fold's test images. Raises UserError."""
    names = {fold: f"covid_data{fold}.pkl" for fold in FOLDS}
    folder = require(root, ".", LAYOUT)
    if missing := [name for name in names.values() if not (folder / name).is_file()]:
        raise UserError(f"{root} has no {', '.join(missing)}: it should hold {LAYOUT}.")
    files = [
        Source(f"fold{fold}/{label}", name, "fold", f"fold {fold}", label)
        for fold, name in names.items()
        for label in CLASSES
    ]
    return sources(files, [])
