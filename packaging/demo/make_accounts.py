"""Write a company's account sheet, ``accounts.xlsx``, from its ``accounts.toml``, with real dates in it as a spreadsheet has them.

python packaging/demo/make_accounts.py [COMPANY_FOLDER]
"""

import io
import sys
import tomllib
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font


def make(folder: Path) -> bytes:
    """The workbook's bytes. They differ from run to run (a workbook holds the hour); what is read from them does not."""
    written = tomllib.loads((folder / "accounts.toml").read_text(encoding="utf-8"))
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = written["sheet"]
    for row in (written["headers"], *written["rows"]):
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column, width in zip("ABCDE", (16, 44, 14, 18, 30), strict=True):
        sheet.column_dimensions[column].width = width
    sheet.freeze_panes = "A2"
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def main(arguments: list[str]) -> int:
    """Write the sheet of the named company, or of the one beside this file."""
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    (folder / "accounts.xlsx").write_bytes(make(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
