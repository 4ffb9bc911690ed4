"""`./kzopen agency`: the tree of agencies from the operator's terminal, through the portal's API."""
