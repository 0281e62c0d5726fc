"""Keep a live HashiCorp Vault or OpenBao equal to what Git says."""

__version__ = "0.1.0"
