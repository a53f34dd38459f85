"""l402sdk, a Rust client with Python bindings."""

import l402

from clients.rust import main

main(l402)
