"""The texts of a conversation that are looked up among those of evaluation files."""

from __future__ import annotations

from sftdata.base.conversation import USER, Conversation
from sftdata.reading.screening.contamination import NGRAM, count_words


def user_texts(conversation: Conversation) -> list[str]:
    """The texts of the user: each turn of `NGRAM` words or more, or else all turns as one text.

    A short turn alone ("Yes, please.") stands in any evaluation file.
    """
    turns = [turn.text for turn in conversation.turns if turn.role == USER]
    long = [text for text in turns if count_words(text) >= NGRAM]
    return long or ["\n".join(turns)]
