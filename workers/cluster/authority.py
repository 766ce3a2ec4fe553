"""The certificate authority of a cluster: one key on node A, which vouches for the front and for each node's role."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hydranet.errors import UsageError

# Every token names it, so a new one means that all nodes join again.
_AUTHORITY_LIFETIME = timedelta(days=3650)
# Long enough for a laptop that lay in a drawer for two months, since renewal begins when a third is left.
LIFETIME = timedelta(days=90)
# So far may the clock of a node be behind.
CLOCK_TOLERANCE = timedelta(minutes=10)
# Longer than any certificate: an expired list would lock all nodes out, and it never leaves this machine.
_LIST_LIFETIME = _AUTHORITY_LIFETIME
_URI = "hydra://"


class Issued(NamedTuple):
    """A certificate as PEM, with its serial number in hexadecimal."""

    certificate: str
    serial: str
    expires: datetime


class Authority:
    """A certificate and the key that signs for it."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def create(cls) -> Authority:
        """Create a new one."""
        key = make_key()
        name = _name("HydraNet cluster")
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - CLOCK_TOLERANCE).not_valid_after(now + _AUTHORITY_LIFETIME)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_key_usage(signs=True), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        return cls(key, builder.sign(key, hashes.SHA256()))

    @classmethod
    def load(cls, key: bytes, certificate: bytes) -> Authority:
        """Load one from PEM."""
        private = load_pem_private_key(key, None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        return cls(private, x509.load_pem_x509_certificate(certificate))

    @property
    def certificate(self) -> str:
        """The certificate as PEM."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key(self) -> str:
        """The secret key as PEM."""
        return write_key(self._key)

    @property
    def digest(self) -> str:
        """The SHA-256 of the certificate, by which a token names it."""
        return digest_certificate(self.certificate)

    def issue_server(self, hosts: Sequence[str], lifetime: timedelta = LIFETIME) -> tuple[str, str]:
        """Return key and certificate of the front, known by these names and addresses."""
        key = make_key()
        names = x509.SubjectAlternativeName([_read_host(host) for host in hosts])
        issued = self._issue(key.public_key(), hosts[0], names, ExtendedKeyUsageOID.SERVER_AUTH, lifetime)
        return write_key(key), issued.certificate

    def issue_node(self, request: str, name: str, role: str, lifetime: timedelta = LIFETIME) -> Issued:
        """Return the certificate of a node. From its request counts the key alone; the role is the caller's decision.

        Raises UsageError where the request is none.
        """
        try:
            signing = x509.load_pem_x509_csr(request.encode())
            key = signing.public_key()
            valid = signing.is_signature_valid and isinstance(key, ec.EllipticCurvePublicKey)
        except (ValueError, InvalidSignature):
            valid = False
        if not valid:
            raise UsageError("The node's request for a certificate is malformed: join with the same version as node A.")
        assert isinstance(key, ec.EllipticCurvePublicKey)
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"{_URI}{role}")])
        return self._issue(key, name, names, ExtendedKeyUsageOID.CLIENT_AUTH, lifetime)

    def list_revoked(self, serials: Iterable[str]) -> str:
        """Return the signed list of revoked serial numbers as PEM."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder(self._certificate.subject)
        builder = builder.last_update(now - CLOCK_TOLERANCE).next_update(now + _LIST_LIFETIME)
        for serial in serials:
            entry = x509.RevokedCertificateBuilder(int(serial, 16), now - CLOCK_TOLERANCE).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        name: str,
        names: x509.SubjectAlternativeName,
        usage: x509.ObjectIdentifier,
        lifetime: timedelta,
    ) -> Issued:
        now = datetime.now(UTC)
        serial = x509.random_serial_number()
        builder = x509.CertificateBuilder(self._certificate.subject, _name(name), key, serial)
        builder = builder.not_valid_before(now - CLOCK_TOLERANCE).not_valid_after(now + lifetime)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(signs=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(names, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        pem = builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
        return Issued(pem, f"{serial:x}", now + lifetime)


def make_key() -> ec.EllipticCurvePrivateKey:
    """Return a new secret key."""
    return ec.generate_private_key(ec.SECP256R1())


def write_key(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a secret key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def request_certificate(key: ec.EllipticCurvePrivateKey, name: str) -> str:
    """Return a node's request for a certificate as PEM."""
    builder = x509.CertificateSigningRequestBuilder(_name(name))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def digest_certificate(certificate: str) -> str:
    """Return the SHA-256 of a certificate; ValueError where the text is none."""
    encoded = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
    return hashlib.sha256(encoded).hexdigest()


def list_hosts(certificate: str) -> list[str]:
    """Return the names and addresses that a certificate is for."""
    loaded = x509.load_pem_x509_certificate(certificate.encode())
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def find_role(certificate: x509.Certificate) -> str:
    """Return the role in a node's certificate, empty where it has none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return next((uri.removeprefix(_URI) for uri in uris if uri.startswith(_URI)), "")


def needs_renewal(certificate: str) -> bool:
    """Return whether less than a third of a certificate's lifetime is left."""
    loaded = x509.load_pem_x509_certificate(certificate.encode())
    begin, end = loaded.not_valid_before_utc + CLOCK_TOLERANCE, loaded.not_valid_after_utc
    return datetime.now(UTC) > end - (end - begin) / 3


def fits_key(certificate: str, key: ec.EllipticCurvePrivateKey) -> bool:
    """Return whether a certificate is for the key."""
    forms = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    loaded = x509.load_pem_x509_certificate(certificate.encode())
    return loaded.public_key().public_bytes(*forms) == key.public_key().public_bytes(*forms)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _read_host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
