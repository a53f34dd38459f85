"""agent-security-harness: attacks three paid routes, which it never pays for."""

import contextlib
import dataclasses
import sys

from protocol_tests.l402_harness import L402SecurityTests, L402Transport

from clients.driver import Task, report

task = Task.read()
L402SecurityTests.PATH_INDEX, L402SecurityTests.PATH_RESOURCE, L402SecurityTests.PATH_ASK = task["paths"]
with contextlib.redirect_stdout(sys.stderr):
    results = L402SecurityTests(L402Transport(task["api"])).run_all()
report(results=[dataclasses.asdict(result) for result in results])
