"""The local web panel and the HTTP API: what people and programs touch.

``front.py`` listens and answers the probes at once; ``app.py`` puts the rest together; ``guard.py`` lets in; ``pages/`` and
``api/`` hold one file per thing a person or a program can do. Everything that changes goes through the commands of a node
(``door.py``): nothing here decides, sends or stores.
"""
