"""interruption."""

from chaos.faults import Faults

FAULTS = Faults("interruption")
