"""python -m bitexte"""

import sys

from bitexte.cli import main

sys.exit(main())
