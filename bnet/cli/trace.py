"""``bnet trace``: where a number in the book comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from bnet.cli.options import say


def trace(
    address: Annotated[str, typer.Argument(metavar="PAGE[#ITEM]", help="Such as luck#tab-luck-draws.")],
) -> None:
    """Lead from a table or figure of the executed book to its records, commits, machines and commands.

    Without #ITEM, the items of the page are listed.

    Example: bnet trace table-2#tab-table-2
    """
    from bnet.audit.settings import command
    from bnet.book import trace as tracing
    from bnet.book.pages import this_book

    book = this_book()
    if "#" not in address:
        for item in tracing.items(book.notebook_path(book.page(address))):
            print(f"{address}#{item.name}\t{len(item.runs)} runs\t{item.caption}")
        return
    item, kept, lost = tracing.trace(book, address)
    print(f"{item.name}: {item.caption}\nsource: book/{book.page(address.partition('#')[0]).source}, cell {item.cell}")
    for line in item.sources:
        if not any(name in line for name in item.runs):
            print(f"- {line}")
    for record in kept:
        made, config = record.run["made"], record.config
        print(
            f"{record.folder}\n  corpus {config.corpus}, protocol {config.protocol}, fold {config.fold}, profile "
            f"{config.profile}, configuration {record.run['hash'][:10]}\n  commit {made['commit']}"
            f"{' with changes' if made['changed'] else ''}, {made['started']}, {made['device']['name']}, "
            f"{made['machine']['cores']} cores, {made['wall_s']:.0f} s\n  {command(config)}"
        )
    for run in lost:
        print(f"{run}: no record below {book.results}")
    if not item.runs:
        say("no run lies behind it: counted on models, from the paper's numbers or records named above, or not run")
