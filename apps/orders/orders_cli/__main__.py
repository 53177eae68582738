"""``python -m orders_cli``: the ``orders`` command."""

from orders_cli.main import main

if __name__ == "__main__":
    main()
