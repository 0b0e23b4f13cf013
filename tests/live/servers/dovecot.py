"""A Dovecot of our own: maildir, a password file, TLS with a self-made certificate, tokens for XOAUTH2.

dovecot = Dovecot.start()                       raises CannotStart when it is not installed
dovecot.add_user("support", "secret")
dovecot.deliver("support", b"Subject: ...")     straight into the maildir, as a mail server would
dovecot.messages("support")                     the mails as they lie there
dovecot.stop()
"""

import contextlib
import http.server
import imaplib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from tests.live.servers import child

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_login_user = nobody
first_valid_uid = 1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0 secs
auth_username_chars =
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
mail_fsync = never
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN {folder}/users/%u
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
{more}
"""
_TOKENS = """
introspection_mode = post
introspection_url = http://127.0.0.1:{port}/
username_attribute = username
active_attribute = active
active_value = true
"""


class Dovecot:
    """A running Dovecot. ``imap_port`` speaks plain text and STARTTLS, ``imaps_port`` TLS from the start."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, more: str) -> None:
        self.folder = folder
        self.imap_port, self.imaps_port = child.free_port(), child.free_port()
        self.certificate, key = child.certificate(folder)
        self.users: dict[str, str] = {}
        self.tokens: dict[str, str] = {}  # access token: user
        self._names = itertools.count(1)
        self._token_server = _token_server(self.tokens)
        child.give_to_mail_user(folder / "mail", folder / "home")
        (folder / "users").mkdir()
        (folder / "oauth2.conf").write_text(_TOKENS.format(port=self._token_server.server_port))
        (folder / "dovecot.conf").write_text(
            _CONFIGURATION.format(
                folder=folder,
                certificate=self.certificate,
                key=key,
                user=child.MAIL_USER,
                group=child.MAIL_GROUP,
                imap_port=self.imap_port,
                imaps_port=self.imaps_port,
                more=more,
            )
        )
        self._process = self._launched()

    @classmethod
    def start(cls, folder: Path | None = None, *, more: str = "") -> "Dovecot":
        """Start one; ``more`` is added to its configuration. Raises ``CannotStart``."""
        child.need("dovecot")
        return cls(folder or child.own_folder("dovecot"), more)

    def stop(self) -> None:
        self.halt()
        self._token_server.shutdown()
        self._token_server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self) -> None:
        """Take it down with all its connections; the mail stays."""
        child.end(self._process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # those of its children that still serve somebody

    def resume(self) -> None:
        self._process = self._launched()

    def add_user(self, user: str, password: str = "secret") -> None:
        """Add a user, or change a password."""
        known = user in self.users
        self._maildir_of(user)
        self.users[user] = password
        path = self.folder / "users" / user
        path.write_text(f"{user}:{{PLAIN}}{password}\n")
        if known:
            # Dovecot looks at the file's time at most once a second, and knows that time to the second only.
            os.utime(path, (stamp := path.stat().st_mtime + len(password), stamp))
            end = time.monotonic() + 5
            while not self._lets_in(user) and time.monotonic() < end:
                time.sleep(0.05)

    def _lets_in(self, user: str) -> bool:
        try:
            with self.client(user, None):
                return True
        except imaplib.IMAP4.error:
            return False

    def maildir(self, user: str, folder: str = "INBOX") -> Path:
        root = self.folder / "mail" / user
        return root if folder == "INBOX" else root / f".{folder.replace('/', '.')}"

    def _maildir_of(self, user: str, folder: str = "INBOX") -> Path:
        """The maildir, made when it is not there yet."""
        place = self.maildir(user, folder)
        if not (place / "new").is_dir():
            child.give_to_mail_user(self.folder / "mail" / user, place, place / "tmp", place / "new", place / "cur")
        return place

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX") -> None:
        """Put a mail into the maildir, as a mail server would: whole, by a rename."""
        place = self._maildir_of(user, folder)
        name = f"{next(self._names)}.{os.getpid()}.test"
        temporary = place / "tmp" / name
        temporary.write_bytes(raw)
        shutil.chown(temporary, child.MAIL_USER, child.MAIL_GROUP)
        temporary.rename(place / "new" / name)

    def files(self, user: str, folder: str = "INBOX") -> list[Path]:
        place = self.maildir(user, folder)
        return sorted(
            (path for part in ("new", "cur") if (place / part).is_dir() for path in (place / part).iterdir()),
            key=lambda path: int(path.name.split(".")[0]) if path.name.split(".")[0].isdigit() else 0,
        )

    def messages(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """The mails as they lie there."""
        return [path.read_bytes() for path in self.files(user, folder)]

    @contextlib.contextmanager
    def client(self, user: str, folder: str | None = "INBOX") -> Iterator[imaplib.IMAP4]:
        """Another mail program that reads the same mailbox."""
        client = imaplib.IMAP4(self.host, self.imap_port, timeout=10)
        try:
            client.login(user, self.users[user])
            if folder is not None:
                client.select(folder)
            yield client
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    def append(self, user: str, raw: bytes, folder: str = "INBOX") -> None:
        """Put a mail in through the server, which tells idlers of it at once."""
        with self.client(user, None) as client:
            client.append(folder, "", "", raw)

    def flags(self, user: str, uid: int) -> str:
        """The flags of a mail as the server lists them."""
        with self.client(user) as client:
            return str(client.uid("FETCH", str(uid), "(FLAGS)")[1][0])

    def renumber(self, user: str) -> None:
        """Make the server forget its numbering: the next one to look sees another UIDVALIDITY."""
        place = self.maildir(user)
        for path in place.glob("dovecot*"):
            path.unlink()
        # The version line carries UIDVALIDITY; a later one than any that the clock would give.
        (place / "dovecot-uidlist").write_text("3 V2100000000 N1 G0123456789abcdef0123456789abcdef\n")
        shutil.chown(place / "dovecot-uidlist", child.MAIL_USER, child.MAIL_GROUP)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def _launched(self) -> subprocess.Popen[bytes]:
        program = child.need("dovecot")
        process = subprocess.Popen(
            [program, "-F", "-c", str(self.folder / "dovecot.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "errors").open("wb"),
            start_new_session=True,
        )
        try:
            child.wait_for_port(self.imap_port, process)
        except child.CannotStart as error:
            child.end(process)
            words = (self.folder / "errors").read_text() + (self.log() if (self.folder / "log").exists() else "")
            raise child.CannotStart(f"dovecot: {error}: {words[-2000:]}") from error
        return process


def _token_server(tokens: dict[str, str]) -> http.server.ThreadingHTTPServer:
    """Says whether an access token is good, as a provider's introspection endpoint does (RFC 7662)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = urllib.parse.parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
            user = tokens.get(form.get("token", [""])[0])
            answer = json.dumps({"active": "true", "username": user} if user else {"active": "false"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="tokens", daemon=True).start()
    return server
