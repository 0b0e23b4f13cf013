"""The appliance as a service of the machine: what launchd or systemd is to be told, planned here and carried out in one place."""
