"""The mail of the laboratory: a mailbox and a post office on the network, customers who write, and a count of what reached them.

post = Post.start(network)
post.write(30, per_second=10.0)       thirty customers write, one mail each; returns when all lie in the mailbox
flow = post.flow(30, per_second=5.0)  the same in a thread; flow.wait()
post.replies()                        every reply that reached a customer: to which mail, sent by which node, when
post.doubled(), post.unanswered()     Message-IDs
post.stop()
"""

import contextlib
import email
import itertools
import os
import re
import signal
import smtplib
import subprocess
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.live.pair.net import Network
from tests.live.servers import child
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim
from tests.support.mailbox_home import customer_mail

USER = "support"
_SENT_BY = re.compile(r"\[(\d+\.\d+\.\d+\.\d+)\]")
_QUESTIONS = ("What are your opening hours?", "How many days do I have to return a pump?", "What is the delivery time?")


@dataclass(frozen=True)
class Reply:
    """A reply as it reached the customer. ``at`` is Unix seconds, a few hundredths after the server took it."""

    answers: str
    key: str
    message_id: str
    sender: str
    at: float


class LabDovecot(Dovecot):
    """Listens on every address of its namespace, with a certificate for the one that the nodes know."""

    address = ""

    def _launched(self) -> "subprocess.Popen[bytes]":
        _use_certificate_for(self.address, self.folder)
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(configuration.read_text().replace("listen = 127.0.0.1", "listen = *"))
        return super()._launched()

    def halt(self) -> None:
        """At once: kindly it takes a second, and nobody needs its mail afterwards."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        super().halt()


class LabExim(Exim):
    """The same for Exim."""

    address = ""

    def _launched(self, configuration: Path) -> "subprocess.Popen[bytes]":
        _use_certificate_for(self.address, self.folder)
        configuration.write_text(configuration.read_text().replace("local_interfaces = 127.0.0.1", "local_interfaces = 0.0.0.0"))
        return super()._launched(configuration)


def _use_certificate_for(address: str, folder: Path) -> None:
    """Put a certificate for this address in place of the one for the loopback; the files keep their owners."""
    with tempfile.TemporaryDirectory(prefix="tandem-certificate-") as scratch:
        command = [child.need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=mail.example.test", "-addext", f"subjectAltName=IP:{address},IP:127.0.0.1"]
        command += ["-keyout", f"{scratch}/key.pem", "-out", f"{scratch}/certificate.pem"]
        subprocess.run(command, check=True, capture_output=True)
        for name in ("certificate.pem", "key.pem"):
            (folder / name).write_bytes((Path(scratch) / name).read_bytes())


class Flow(threading.Thread):
    """Customers writing in a thread of their own."""

    def __init__(self, post: "Post", count: int, per_second: float) -> None:
        super().__init__(name="customers", daemon=True)
        self._post, self._count, self._per_second = post, count, per_second
        self._problem: BaseException | None = None

    def run(self) -> None:
        try:
            self._post.write(self._count, self._per_second)
        except BaseException as problem:
            self._problem = problem

    def wait(self, seconds: float = 60.0) -> None:
        """Until the last has written."""
        self.join(seconds)
        assert not self.is_alive(), f"the customers have not finished writing after {seconds} s"
        if self._problem is not None:
            raise self._problem


class Post:
    """Dovecot and Exim in the mail server's namespace."""

    def __init__(self, network: Network, dovecot: LabDovecot, exim: LabExim) -> None:
        self.network, self.dovecot, self.exim = network, dovecot, exim
        self.written: list[str] = []  # Message-IDs of the customers' mails, in order
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @classmethod
    def start(cls, network: Network) -> "Post":
        """Raises ``CannotStart``, with nothing left running."""
        servers = [type("", (kind,), {"address": network.address("mail")}) for kind in (LabDovecot, LabExim)]
        with network.inside("mail"):
            dovecot = servers[0].start()  # type: ignore[attr-defined]
            try:
                dovecot.add_user(USER)
                exim = servers[1].start(maildirs=dovecot.folder / "mail")  # type: ignore[attr-defined]
            except BaseException:
                dovecot.stop()
                raise
        return cls(network, dovecot, exim)

    @property
    def authorities(self) -> Path:
        """The certificates of both servers in one file, for the nodes' settings."""
        file = self.dovecot.folder / "authorities.pem"
        if not file.exists():
            file.write_bytes(self.dovecot.certificate.read_bytes() + self.exim.certificate.read_bytes())
        return file

    def stop(self) -> None:
        self.exim.stop()
        self.dovecot.stop()

    def write(self, count: int, per_second: float = 20.0) -> None:
        """So many customers write one mail each, through the mail server."""
        with self._lock, self.network.inside("mail"), self.dovecot.client(USER, None) as client:
            began = time.monotonic()
            for turn, number in enumerate(itertools.islice(self._numbers, count)):
                time.sleep(max(0.0, began + turn / per_second - time.monotonic()))  # customers write when they write
                client.append("INBOX", "", "", customer_mail(number, _QUESTIONS[number % len(_QUESTIONS)]))
                self.written.append(f"<{number}@example.com>")

    def write_by_smtp(self) -> None:
        """One more customer, whose mail comes the whole way: through the post office into the mailbox."""
        with self._lock, self.network.inside("mail"), smtplib.SMTP(self.exim.host, self.exim.port, timeout=10) as line:
            number = next(self._numbers)
            line.sendmail(f"customer{number}@example.com", [f"{USER}@pumps.example"], customer_mail(number))
            self.written.append(f"<{number}@example.com>")

    def flow(self, count: int, per_second: float = 5.0) -> Flow:
        flow = Flow(self, count, per_second)
        flow.start()
        return flow

    def replies(self) -> list[Reply]:
        """What reached customers, in the order of arrival."""
        place = self.exim.maildirs / "everyone" / "new"
        found = [self._reply(path) for path in place.iterdir()] if place.is_dir() else []
        return sorted((reply for reply in found if reply is not None), key=lambda reply: reply.at)

    def _reply(self, path: Path) -> Reply | None:
        mail = email.message_from_bytes(path.read_bytes())
        if not str(mail["Envelope-to"]).startswith("customer"):
            return None
        sent_by = _SENT_BY.search(str(mail["Received"]))
        return Reply(
            answers=str(mail["In-Reply-To"]),
            key=str(mail["X-Tandem-Key"]),
            message_id=str(mail["Message-ID"]),
            sender=sent_by[1] if sent_by else "",
            at=path.stat().st_mtime,
        )

    def doubled(self) -> list[str]:
        """The mails whose customer got more than one reply."""
        return [answered for answered, times in Counter(reply.answers for reply in self.replies()).items() if times > 1]

    def unanswered(self) -> list[str]:
        answered = {reply.answers for reply in self.replies()}
        return [written for written in self.written if written not in answered]

    def in_inbox(self) -> int:
        """How many mails lie in the mailbox."""
        return len(self.dovecot.files(USER))
