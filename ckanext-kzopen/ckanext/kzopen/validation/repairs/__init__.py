"""What may be wrong with a table although it can be read, and what would mend it: suggested, and done when a person agrees."""
