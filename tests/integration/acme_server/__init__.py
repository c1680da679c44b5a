# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scriptable ACME CA for what Pebble cannot do (RFC 8555, RFC 9773, profiles, Let's Encrypt's
rate limits), in the process of the test. Start reading at server.py; model.Options is what a test
may set, faults.py what may go wrong."""
from . import faults
from .limits import Limits
from .model import DAY, HOUR, LETS_ENCRYPT, MINUTE, Profile
from .problem import Answer, Problem, subproblem
from .server import AcmeServer

__all__ = ["AcmeServer", "Answer", "DAY", "HOUR", "LETS_ENCRYPT", "Limits", "MINUTE", "Problem",
           "Profile", "faults", "subproblem"]
