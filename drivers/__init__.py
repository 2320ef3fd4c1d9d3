"""How readings come in and set-points go out: the Source protocol and the field protocols behind it."""
