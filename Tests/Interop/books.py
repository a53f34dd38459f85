"""What the ledger says, read from the database itself."""

import dataclasses
import subprocess


@dataclasses.dataclass(frozen=True)
class Totals:
    """Payments credited and requests served, with their amounts in millisatoshi."""

    payments: int
    paid_msat: int
    served: int
    served_msat: int
    held: int

    def since(self, before):
        return Totals(*(now - then for now, then in zip(dataclasses.astuple(self), dataclasses.astuple(before))))


QUERY = """
SELECT count(*) FILTER (WHERE kind IN ('pay', 'deposit')),
       coalesce(sum(amount_msat) FILTER (WHERE kind IN ('pay', 'deposit')), 0),
       count(*) FILTER (WHERE kind = 'settle'),
       coalesce(sum(amount_msat) FILTER (WHERE kind = 'settle'), 0),
       (SELECT count(*) FROM holds)
FROM ledger_entries
"""


def read(run):
    return Totals(*map(int, query(run, QUERY).split("|")))


def query(run, statement):
    done = subprocess.run(
        ["psql", "--no-psqlrc", "--no-align", "--tuples-only", "--dbname", run.info["database"], "--command", statement],
        capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
