"""python -m bitexte"""

from bitexte.cli import main

main()
