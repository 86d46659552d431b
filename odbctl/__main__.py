"""`python -m odbctl`: the same as the `odbctl` command."""

import sys

from odbctl.cli import main

if __name__ == "__main__":
    sys.exit(main())
