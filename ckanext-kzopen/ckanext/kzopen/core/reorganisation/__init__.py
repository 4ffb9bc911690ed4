"""What is done to agencies: made, renamed, moved, liquidated; and CKAN's organisations, in which all of it is kept too."""
