"""The hot side of money: one record of each finished request, and the journal that keeps it until it is stored."""
