"""``python -m envconn`` is the command ``envconn``."""

import sys

from envconn.cli import main

sys.exit(main())
