"""People: who they are, what they may do, and for which agency."""
