"""The live proof: what stands at the other end, found out without a driver, and without a secret."""

from __future__ import annotations

from envconn.probe.faults import FAULTS, Fault
from envconn.probe.gate import prove
from envconn.probe.proof import Certificate, Handshake, Login, Proof, Seen

__all__ = ["FAULTS", "Certificate", "Fault", "Handshake", "Login", "Proof", "Seen", "prove"]
