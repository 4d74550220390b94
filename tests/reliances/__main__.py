"""`make reliances`: write the tables of docs/aws.md anew."""

from tests import figures_page
from tests.reliances.page import PAGE, limit_tables, reliance_tables

if __name__ == "__main__":
    figures_page.write("make reliances", reliance_tables(), PAGE)
    figures_page.write("make reliances, limits", limit_tables(), PAGE)
