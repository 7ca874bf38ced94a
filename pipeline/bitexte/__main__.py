"""python -m bitexte"""

from bitexte.cli import console

if __name__ == "__main__":  # a worker process imports this module, too
    console()
