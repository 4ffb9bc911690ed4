"""Sessions of people who are signed in: kept in Valkey, listed, ended."""
