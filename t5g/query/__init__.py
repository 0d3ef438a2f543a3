"""The one query language: the same text in Slack, on the page, in the API and in watches.

Words match summary, number, account and product; `key:value` narrows; commas are "or"; a leading
`-` negates; quotes keep spaces; `sort:` orders. Without a `status:` word only open cases match.
"""

from t5g.query.fields import FIELDS, Field
from t5g.query.parse import parse_query
from t5g.query.query import Query
from t5g.query.sorts import SORTS

__all__ = ["FIELDS", "SORTS", "Field", "Query", "parse_query"]
