"""Pure functions, listed in calling order."""
