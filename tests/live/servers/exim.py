"""An Exim of our own: takes mail for any address on its port. Where there is a maildir by the name of the local part, the
mail is laid there, else into the one of ``everyone``.

    exim = Exim.start(maildirs=dovecot.folder / "mail")     Dovecot serves what Exim delivers; raises CannotStart
    exim.received("customer")                               the mails as they lie in that maildir
    exim.wait_for(1000, "customer")                         delivery happens after the server has said 250
    exim.stop()

Refused, so that refusals can be shown by a real server: recipients whose local part begins with ``unknown`` (550) or
``later`` (451), senders that begin with ``barred`` (550), mails over ``size_max``.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.live.servers import child

_CONFIGURATION = """
exim_user = {user}
exim_group = {group}
never_users =
primary_hostname = mail.example.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/spool/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts = *
tls_certificate = {folder}/certificate.pem
tls_privatekey = {folder}/key.pem
message_size_limit = {size_max}
domainlist ours = *
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
acl_smtp_auth = accept
deliver_drop_privilege = true
smtp_accept_max = 50
smtp_accept_max_per_connection = 100000
smtp_accept_queue_per_connection = 0
queue_run_max = 5
host_lookup =
rfc1413_query_timeout = 0s
smtputf8_advertise_hosts = *
check_spool_space = 0
check_log_space = 0
bounce_return_body = false

begin acl
mail:
  deny condition = ${{if match{{$sender_address}}{{^barred}}}}
       message = this sender is barred
  deny condition = ${{if and {{{{bool{{{must_sign_in}}}}}{{!def:authenticated_id}}}}}}
       message = 530 5.7.0 sign in first
  accept
rcpt:
  deny condition = ${{if match{{$local_part}}{{^unknown}}}}
       message = no such user
  defer condition = ${{if match{{$local_part}}{{^later}}}}
       message = try later
  accept

begin routers
known:
  driver = accept
  domains = +ours
  local_parts = dsearch;{maildirs}
  transport = maildir
  address_data = $local_part_data
everyone:
  driver = accept
  domains = +ours
  transport = maildir
  address_data = everyone

begin transports
maildir:
  driver = appendfile
  directory = {maildirs}/$address_data
  maildir_format
  create_directory
  directory_mode = 0755
  mode = 0644
  user = {user}
  group = {group}
  delivery_date_add = false
  envelope_to_add = true
  return_path_add = true

begin retry
* * F,1h,1m

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{support}}}}{{eq{{$auth3}}{{secret}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and {{{{eq{{$auth1}}{{support}}}}{{eq{{$auth2}}{{secret}}}}}}}}
  server_set_id = $auth1
"""

EVERYONE = "everyone"


class Exim:
    """A running Exim. ``port`` speaks plain text and STARTTLS; the user ``support`` with the password ``secret`` may sign in."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, maildirs: Path | None, size_max: int, must_sign_in: bool) -> None:
        self.folder = folder
        self.port = child.free_port()
        self.maildirs = maildirs or folder / "mail"
        self.certificate, key = child.certificate(folder)
        child.give_to_mail_user(folder / "spool", folder / "log", self.maildirs)
        for secret in (self.certificate, key):
            shutil.chown(secret, child.MAIL_USER, child.MAIL_GROUP)
        configuration = folder / "exim.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                port=self.port,
                maildirs=self.maildirs,
                user=child.MAIL_USER,
                group=child.MAIL_GROUP,
                size_max=size_max,
                must_sign_in=str(must_sign_in).lower(),
            )
        )
        self._process = self._launched(configuration)

    @classmethod
    def start(
        cls, folder: Path | None = None, *, maildirs: Path | None = None, size_max: int = 2_000_000, must_sign_in: bool = False
    ) -> "Exim":
        """Start one. Raises ``CannotStart``."""
        child.need("exim4")
        return cls(folder or child.own_folder("exim"), maildirs, size_max, must_sign_in)

    def stop(self) -> None:
        """End it with its own children, which are all of its process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        child.end(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def received(self, local_part: str = "") -> list[bytes]:
        """The mails delivered to that local part, or all of them, in about the order of delivery."""
        places = [self.maildirs / name / part for name in (local_part, EVERYONE) if name for part in ("new", "cur")]
        if not local_part:
            places = [place for name in self.maildirs.iterdir() for place in (name / "new", name / "cur")]
        files = sorted((path for place in places if place.is_dir() for path in place.iterdir()), key=lambda path: path.name)
        mails = [(path, path.read_bytes()) for path in files]
        wanted = f"\nEnvelope-to: {local_part}@".encode()
        return [raw for path, raw in mails if not local_part or path.parts[-3] != EVERYONE or wanted in raw]

    def wait_for(self, count: int, local_part: str = "", seconds: float = 10.0) -> list[bytes]:
        """Wait until so many mails were delivered to that local part, or to all; returns what there is by then."""
        end = time.monotonic() + seconds
        while len(mails := self.received(local_part)) < count and time.monotonic() < end:
            time.sleep(0.05)
        return mails

    def log(self) -> str:
        return "".join(path.read_text() for path in sorted((self.folder / "log").iterdir()))

    def _launched(self, configuration: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [child.need("exim4"), "-bdf", "-C", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "errors").open("wb"),
            start_new_session=True,
        )
        try:
            child.wait_for_port(self.port, process)
        except child.CannotStart as error:
            child.end(process)
            raise child.CannotStart(f"exim4: {error}: {(self.folder / 'errors').read_text()[-2000:]}") from error
        return process
