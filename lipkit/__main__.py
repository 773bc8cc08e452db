"""``python -m lipkit``."""

from lipkit.cli import main

if __name__ == "__main__":
    main()
