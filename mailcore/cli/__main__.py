"""`python -m mailcore.cli`."""

import sys

from mailcore.cli import main

sys.exit(main())
