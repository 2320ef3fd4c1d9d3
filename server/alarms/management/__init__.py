"""Alarm management (ISA-18.2, IEC 62682, EEMUA 191): rates, floods, nuisances, figures, incidents; pure."""
