"""One version of the program put in place of another, so that a bad one is left again by itself.

versions.py  which version is newer
wheel.py     what a wheel says of itself, and whether it is whole
layout.py    versions side by side in one folder, the link that names the one in use, the launcher
install.py   a wheel into a folder of its own, never from the network
facts.py     what a version speaks: asked of the version itself
trial.py     a version on trial: started so often and so long, then left again, whoever watches
rolling.py   both machines of a pair, one after the other, while mail goes on
record.py    what was done, one line each
"""
