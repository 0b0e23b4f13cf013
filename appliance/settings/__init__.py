"""What the appliance was told: read once, checked, frozen, passed down.

``read.load`` makes ``Settings`` from ``tandem.toml``, a ``.env`` file and the environment; ``model`` names every key;
``describe`` lists them for the help and for the file that ``tandem config template`` writes; ``secret.read_secret`` opens passwords.
"""
