"""What the modules of this dialect share."""

from gatewright.dialects.fields import provider_fault

NAME = "cohere"
"""The dialect's name."""

providers = provider_fault("Cohere's Chat API")
"""Makes the error of an answer."""
