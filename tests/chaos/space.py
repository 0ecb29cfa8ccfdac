"""space."""

from chaos.faults import Faults

FAULTS = Faults("space")
