"""A bought token, narrowed by its holder without asking: every limit holds."""

import pytest

from tokens import narrow  # noqa: F401
