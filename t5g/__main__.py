"""`python -m t5g`: the same as the command `t5g`."""

from t5g.cli.app import main

if __name__ == "__main__":
    main()
