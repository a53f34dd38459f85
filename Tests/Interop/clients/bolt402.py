"""bolt402, another build of the Rust client."""

import bolt402

from clients.rust import main

main(bolt402)
