"""Looking after the appliance: what is checked before work starts."""
