"""Events, their types, and the filters that choose among them."""
