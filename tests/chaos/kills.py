"""kills."""

from chaos.faults import Faults

FAULTS = Faults("kills")
