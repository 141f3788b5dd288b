"""Files to hand on: each renders what it is given and queries nothing."""
