"""TLS and HTTP/2 when a certificate is given."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from shoal_cli import Make

pytestmark = pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="needs openssl and curl")


def make_certificate(folder: Path, name: str) -> Path:
    key, cert, both = folder / f"{name}.key", folder / f"{name}.crt", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return both


def curl(port: int, name: str, certificate: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "--cacert", certificate,
         "--resolve", f"{name}:{port}:127.0.0.1", *more, f"https://{name}:{port}/v1/limits"],
        capture_output=True, text=True)


def test_tls_with_http2_and_a_renewed_certificate(make_fleet: Make, tmp_path: Path) -> None:
    first, second = make_certificate(tmp_path, "one.test"), make_certificate(tmp_path, "two.test")
    given = tmp_path / "site.pem"
    given.write_bytes(first.read_bytes())
    fleet = make_fleet()
    fleet.up("--workers", "1", "--tls-cert", str(given))
    assert curl(fleet.port, "one.test", first, "--http2").stdout == "200 2"
    assert curl(fleet.port, "one.test", first, "--http1.1").stdout == "200 1.1"
    assert curl(fleet.port, "one.test", first, "--tls-max", "1.1").returncode != 0
    given.write_bytes(second.read_bytes())
    fleet.run("reload")
    assert curl(fleet.port, "two.test", second, "--http2").stdout == "200 2"


def test_a_file_that_is_no_certificate_is_refused_before_anything_starts(make_fleet: Make, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    fleet = make_fleet()
    assert "HAProxy refuses its configuration" in fleet.up("--tls-cert", str(wrong), code=1).stderr
    assert fleet.processes() == []
