"""What readers call the groups of a study; metrics and regimes have their titles in their registries."""

MARK = "†"

GROUPS = "patients (else videos, else images)"  # what draws and swaps take as a whole
