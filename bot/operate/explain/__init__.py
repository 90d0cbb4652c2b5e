"""The whole story of a case for people and programs: text, JSON, a page without any picture."""

from bot.operate.explain.document import as_json
from bot.operate.explain.page import as_page
from bot.operate.explain.plain import as_text
from bot.operate.explain.shape import Explanation
from bot.operate.explain.telling import explain

__all__ = ["Explanation", "as_json", "as_page", "as_text", "explain"]
