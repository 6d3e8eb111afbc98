"""What a provider says again of a text that it goes on with: it is cut away, wherever the text was cut and split."""

from hypothesis import given
from hypothesis import strategies as st

from gatewright.gateway.splice import OVERLAP, WHOLE, Splice, overlap

NUMBERED = "".join(f"{number} bottles stand here, " for number in range(60))
"""A text that repeats nothing as long as `OVERLAP`: every place in it has a number near."""

TEXTS = st.text(max_size=200)
REPEATING = st.text("ab ", max_size=40)
CUTS = st.integers(0, len(NUMBERED))
SIZES = st.lists(st.integers(0, 40), min_size=1)


def pieces(text, sizes):
    """A text in pieces of these sizes, again and again, empty ones too."""
    found = []
    for size in [*sizes, 7] * (len(text) + 1):
        found.append(text[:size])
        text = text[size:]
        if not text:
            return found
    return [*found, text]


def joined(said, new, sizes=(5,)):
    """What is said in all, and the most characters that were held back before something was said."""
    splice, shown, held = Splice(said), None, 0
    for piece in pieces(new, sizes):
        if shown is not None:
            shown += piece
        else:
            held += len(piece)
            shown = splice.feed(piece)
    return said + (splice.end() if shown is None else shown), held


@given(CUTS, SIZES)
def test_a_text_that_goes_on_exactly_is_said_once(cut, sizes):
    """Nothing of it is lost."""
    assert joined(NUMBERED[:cut], NUMBERED[cut:], sizes)[0] == NUMBERED


@given(CUTS, CUTS, SIZES)
def test_the_last_words_are_not_said_again(cut, size, sizes):
    """However many of them are repeated, from those that are believed on."""
    size = max(OVERLAP, size)
    assert joined(NUMBERED[:cut], NUMBERED[max(0, cut - size) :], sizes)[0] == NUMBERED or cut < WHOLE


@given(st.integers(WHOLE, len(NUMBERED)) | st.just(0), SIZES)
def test_a_text_from_its_beginning_is_not_said_again(cut, sizes):
    """A short one neither."""
    assert joined(NUMBERED[:cut], NUMBERED, sizes)[0] == NUMBERED


@given(st.integers(OVERLAP, len(NUMBERED)), CUTS, SIZES)
def test_a_text_that_begins_anew_and_ends_before_it_comes_further_says_nothing_new(size, more, sizes):
    """It would be said twice for nothing."""
    said = NUMBERED[: min(size + more, len(NUMBERED))]
    assert joined(said, said[:size], sizes)[0] == said


@given(TEXTS, TEXTS, SIZES)
def test_what_is_cut_away_was_said(said, new, sizes):
    """Whatever the texts are, the new one is there but for a beginning that repeats words of the other."""
    found, _ = joined(said, new, sizes)
    assert found.startswith(said)
    left = found.removeprefix(said)
    assert new.endswith(left)
    assert new.removesuffix(left) in said


@given(REPEATING, REPEATING, SIZES)
def test_pieces_decide_nothing(said, new, sizes):
    """A text is joined in the same way in whatever pieces it comes."""
    assert joined(said, new, sizes)[0] == joined(said, new, [len(new)])[0]


@given(REPEATING, REPEATING)
def test_the_longest_overlap_is_found(said, new):
    """It is what one would find by trying all."""
    size = overlap(said, new)
    assert size == max(size for size in range(min(len(said), len(new)) + 1) if said.endswith(new[:size]))


def test_a_short_overlap_is_no_repeat():
    """The cells of a table follow each other."""
    said, new = "| a | b |\n|---|", "---|\n| 1 | 2 |"
    assert joined(said, new)[0] == said + new
    assert joined("Ha", "Ha!")[0] == "HaHa!"


def test_a_beginning_is_known_without_the_space_before_it():
    """Models begin a message without one."""
    assert joined("\n\nHello", "Hello, world")[0] == "\n\nHello, world"


def test_new_words_wait_no_longer_than_until_they_differ():
    """What cannot be a repeat any more is said at once."""
    assert joined(NUMBERED[:500], " nothing of this was said", [1] * 30)[1] < 6
