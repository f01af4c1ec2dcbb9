"""The demonstration: a shot painted by arithmetic, aged, restored and reported on."""
