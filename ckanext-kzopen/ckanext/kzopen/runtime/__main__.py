"""`./kzopen …` ends up here, inside the virtual environment."""

from ckanext.kzopen.runtime.command import main

main(prog_name="./kzopen")
