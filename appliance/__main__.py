"""``python -m appliance`` is the ``tandem`` command."""

from appliance.cli.main import main

main()
