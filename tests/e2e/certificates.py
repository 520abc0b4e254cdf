"""Certificates for the tests' own Redis servers, made with the openssl command."""
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A CA in a folder; `cert` is what its clients trust. Keys are on P-256: quick to make."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.key, self.cert = folder / f"{name}.key", folder / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN=Sluice test {name}", "-days", 2, "-keyout", self.key,
                "-out", self.cert)

    def issue(self, name, subject_names, days=2):
        """(certificate, key) for names as in "DNS:redis-test,IP:127.0.0.1".

        It is good for so many `days`; below 0 it has ended before today.
        """
        cert, key, asked = (self.folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/O=Sluice tests", "-keyout", key, "-out", asked)
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={subject_names}\n")
        openssl("x509", "-req", "-in", asked, "-CA", self.cert, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", cert)
        return cert, key
