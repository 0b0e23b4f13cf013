"""Tandem: a customer-service desk that lives on two small machines."""

__version__ = "0.1.0"
