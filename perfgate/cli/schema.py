"""``perfgate schema``: prints the JSON schemas of the files that people and tools read."""

from __future__ import annotations

from pathlib import Path

import click

from perfgate.app.schemas import DOCUMENTS, schema_text, write_schemas

_EPILOG = """\b
Examples:
  perfgate schema                          the names, and where such a file is found
  perfgate schema suite                    the schema of perfgate.yml
  perfgate schema --output-dir schemas     every schema as a file

\b
Editors that know YAML check and complete a suite that begins with this line:
  # yaml-language-server: $schema=schemas/suite.json
"""


@click.command(epilog=_EPILOG)
@click.argument("name", required=False, type=click.Choice(list(DOCUMENTS)), metavar="[NAME]")
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write every schema there, each into a file of its name.",
)
def schema(name: str | None, output_dir: Path | None) -> None:
    """Print the JSON schema of the files called NAME, or list which there are.

    A schema accepts what this perfgate reads; every file that perfgate writes names its own in
    `schema`, and its `version`.
    """
    if output_dir is not None:
        if name is not None:
            raise click.UsageError("--output-dir writes every schema; give no NAME with it.")
        write_schemas(output_dir)
    elif name is not None:
        click.echo(schema_text(name), nl=False)
    else:
        width = max(map(len, DOCUMENTS))
        for each, document in DOCUMENTS.items():
            click.echo(f"{each:{width}}  {document.found}")
