"""Who a node is on the line: a key and a certificate that it signs itself.

A certificate is known by its *fingerprint*, the SHA-256 of its DER in lower-case hexadecimal. Nobody vouches for it: the two nodes
exchange certificates when they are paired, under the protection of the code, and from then on accept these and no others.

It has no end (RFC 5280, 4.1.2.5: a certificate without a well-defined end says 99991231235959Z) and began in 1970: a pin does not
become wrong with time, and a machine whose clock has lost the date must still find its peer.

Key and certificate lie in one file, so that no power loss leaves one without the other. Replacing it takes two steps: ``prepare``
makes the next one, which the peer is told over the present line, and ``rotate`` puts it in place once the peer trusts both.
"""

import hashlib
import ssl
from pathlib import Path

from appliance.ground.files import write_atomically
from appliance.ground.ids import random_bytes
from appliance.pair.line.errors import LineError
from appliance.records.base import Record

_NAME, _NEXT = "identity.pem", "identity.next.pem"
_END = "-----END CERTIFICATE-----"
_LONGEST_PEM = 16 * 1024


class Identity(Record):
    """A node on the line. ``path`` holds key and certificate and never leaves the machine; ``certificate`` (PEM) is for everybody."""

    node: str
    path: Path
    certificate: str
    fingerprint: str


def load_or_make(folder: Path, node: str) -> Identity:
    """The identity in this folder, made now if there is none. Raises ``LineError`` when it is there and cannot be used."""
    path = folder / _NAME
    return _load(path, node) if path.exists() else _make(path, node)


def prepare(folder: Path, node: str) -> Identity:
    """The next identity, not in use yet; the same one until ``rotate``. Raises ``LineError``."""
    path = folder / _NEXT
    return _load(path, node) if path.exists() else _make(path, node)


def rotate(folder: Path, node: str) -> Identity:
    """Put the prepared identity in the place of the present one, in one step. Without a prepared one nothing changes."""
    path = folder / _NEXT
    if path.exists():
        _load(path, node)
        write_atomically(folder / _NAME, path.read_bytes())
        path.unlink()
    return load_or_make(folder, node)


def fingerprint_of(certificate: str) -> str:
    """The fingerprint of a PEM. Raises ``LineError`` for what is no single certificate."""
    from cryptography import x509  # late: heavy, and a short command has no use for it

    try:
        if len(certificate) > _LONGEST_PEM or certificate.count(_END) != 1 or "PRIVATE" in certificate:
            raise ValueError("not one certificate")
        x509.load_pem_x509_certificate(certificate.encode("ascii"))
        return fingerprint(ssl.PEM_cert_to_DER_cert(certificate.strip()))
    except ValueError as error:
        raise LineError("What was given as a node's certificate is none.", "Pair the two nodes anew.") from error


def fingerprint(der: bytes) -> str:
    """The fingerprint of a certificate in DER."""
    return hashlib.sha256(der).hexdigest()


def _load(path: Path, node: str) -> Identity:
    remedy = f"Put back {path.name} from a backup; or remove it and pair the two nodes anew."
    try:
        certificate = _public_part(path.read_text(encoding="ascii"))
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path)  # the key is there, is whole, and belongs to it
        return Identity(node=node, path=path, certificate=certificate, fingerprint=fingerprint_of(certificate))
    except (OSError, ValueError, LineError) as error:
        raise LineError(f"The key and certificate of this node in {path} cannot be used.", remedy) from error


def _public_part(text: str) -> str:
    begin = text.index("-----BEGIN CERTIFICATE-----")
    return text[begin : text.index(_END, begin)] + _END + "\n"


def _make(path: Path, node: str) -> Identity:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, _new_pair(node))
    except OSError as error:
        raise LineError(
            f"The key of this node cannot be written to {path} ({error.strerror}).", "Give this user the right to write there."
        ) from error
    return _load(path, node)


def _new_pair(node: str) -> bytes:
    """A new P-256 key and the certificate that it signs for itself, as one PEM."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    number = int.from_bytes(random_bytes(16)) >> 1 | 1
    # A name of its own for each certificate: of two with one name OpenSSL looks at one only, and a node that changes its
    # certificate has two for a while.
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, node[:64] or "node"), x509.NameAttribute(NameOID.SERIAL_NUMBER, f"{number:x}")]
    )
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC))
        # It can vouch for nobody else: what this key signs is no certificate of this node.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(serialization.Encoding.PEM)
