"""A whole section in a few files: a citizen asks an agency, the agency answers or refuses, both are in the public record."""
